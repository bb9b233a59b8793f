"""Words that passphrases are made of first: of leaked lists, of hospitals, of this very screen.

Not for rules (`guesses.py` finds them with digits and marks in them), nor for the 90,000 that
zxcvbn knows. One rule: only ever add; a word is lower case, of letters and digits alone.
"""

COMMON_WORDS = frozenset(
    """
    password passwort passphrase passcode passwd pass secret geheim contrasena parola motdepasse
    login signin logon letmein changeme default welcome willkommen bienvenue hello hallo ciao
    test testing tester temp temporary guest user username admin administrator root system
    server backup access open enter account computer internet windows microsoft apple google
    facebook samsung master manager office company business service support security private
    public

    iloveyou ilove loveme lovely love lover amour mylove forever friend friends family mother
    father mama papa mommy daddy baby babygirl angel honey sweet sweety sweetheart princess
    prince queen king kitty kitten puppy doggy dragon monkey tiger eagle falcon panther wolf
    bear horse pony dolphin butterfly flower rose sunflower sunshine rainbow summer winter
    spring autumn sommer ocean mountain diamond silver golden purple orange yellow green black
    white blue pink red chocolate cookie cheese banana pepper peanut ginger coffee pizza burger
    freedom liberty peace heaven jesus christ blessed faith hope grace god lucky happy smile
    whatever nothing something anything

    football baseball basketball soccer hockey tennis golf racing chelsea arsenal liverpool
    barcelona realmadrid juventus manchester united yankees cowboys lakers steelers ranger
    rangers champion superman batman spiderman ironman starwars startrek pokemon pikachu
    minecraft matrix hunter ninja warrior killer shadow phoenix thunder cosmos galaxy trustno
    correcthorsebatterystaple michael jordan michelle jessica ashley daniel andrew joshua
    matthew anthony thomas robert william charlie george nicole jennifer amanda samantha maria
    anna laura sarah david james john peter martin alexander sophie emma oliver jack harry
    buster maggie bailey rocky max bella

    monday tuesday wednesday thursday friday saturday sunday january february march april may
    june july august september october november december morning evening night today london
    paris berlin america england canada australia germany france texas newyork california

    hospital clinic ward icu emergency surgery theatre theater nurse nurses nursing doctor medic
    medical medicine medicines medication medications drug drugs pharmacy pharmacist pharma
    patient patients health healthcare healing care badge staff number station cabinet drawer
    drawers pocket touchscreen dispense dispensing dispenser locker technician morphine
    oxycodone fentanyl tablet tablets pill pills syringe needle bandage hygiene blood heart
    pulse trauma oncology pediatrics finger fingerprint pin my the is a new old
    adc automated stationen formulary override witness waste krankenhaus apotheke klinik
    schwester pfleger pflege arzt enfermera hopital infirmiere ospedale infermiera demo

    guten morgen abend tag nacht hallo welt danke bitte liebe schatz bonjour monde merci amour
    soleil hola mundo gracias amor te quiero buongiorno mondo grazie amore ich bin dich fussball
    sonne blume katze hund deutschland

    qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn qsdfgh qwertz azerty 1q2w3e4r5t6z7u8i9o0p
    1q2w3e4r5t6y7u8i9o0p 1q2w3e4r5t q1w2e3r4t5z6u7i8o9p0 q1w2e3r4t5 a1b2c3d4e5f6g7h8 1qay2wsx
    3edc4rfv 2wsx3edc 4rfv5tgb 5tgb6yhn 6yhn7ujm
    """.split()
)
