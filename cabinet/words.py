"""Recovery cards: 16 secret bytes as 18 words that a person can write down, read out and type.

Pure. One rule: a word that is not on the list, a wrong word, two words swapped or the other card is
told before anything is tried with it, and without quoting what was typed.

One word is one byte: 16 of the secret, then 2 of SHA-256 over the card's number and the secret. No
two words begin with the same four letters, which are enough; any two differ in three letters or
more, so that one slip of the pen is no other word.
"""

import hashlib

SECRET_BYTES = 16
CHECK_BYTES = 2
WORDS = SECRET_BYTES + CHECK_BYTES
LETTERS = 4  # of a word, that are enough

LIST = tuple(
    """
acorn acrobat adapt afraid agent album alcove algebra almond alpine amber anchor animal ankle
april armor artist aspen atlas august autumn avenue awake badge bakery balcony bamboo banjo
barley basket beacon beaver bench berry bicycle biscuit blossom bonus border bottle breeze
brush buffalo bundle butter cabin cactus camel canvas carpet castle cedar cement cereal chalk
chimney cinema circle citrus clever cliff coast coffee compass copper cotton cousin cradle
crater cricket crystal cushion dairy dance decade deer delta dentist diamond dinner dolphin
donkey dragon dwarf eagle earth echo eclipse editor eight elbow elder empire engine equal
escape fabric family feather fiddle fjord flag flute forest fossil frame fruit galaxy gallon
garden garlic gentle giant giraffe glacier globe gravel guitar harvest helmet hero horse hotel
igloo index iron island ivory jaguar jelly jewel jigsaw joker journey junior kayak kernel
kimono kitten koala ladder lagoon lantern laurel lemon leopard lilac lizard lobster locket
lunar magnet mammoth marble meadow metal mirror mosaic museum mustard napkin nature nectar
needle nephew nickel noble nugget nutmeg nylon oasis ocean octopus olive onion opera orange
orchard oxygen palace panda paper parrot peanut pebble pencil picnic pigeon pillow pirate
plaster polar pony potato prairie prince puzzle pyramid quartz queen quilt rabbit rainbow
recipe rhubarb ribbon roof ruby school shell silver sketch sleeve smoke snow spider spoon
spring squash stable sultan summer sunset swan teapot temple tennis thumb thunder tiger topaz
torch tractor tribute trout trumpet tulip tunnel turtle unicorn vanilla village violin vivid
voyage waffle walnut weasel wheat whistle window wombat yacht yogurt zebra zephyr
""".split()
)
_BY_LETTERS = {word[:LETTERS]: index for index, word in enumerate(LIST)}


class WrongWords(Exception):
    """What was typed is not this card: what is wrong, and where."""


def _check(card: int, secret: bytes) -> bytes:
    return hashlib.sha256(b"adc recovery card v1" + bytes([card]) + secret).digest()[:CHECK_BYTES]


def encode(card: int, secret: bytes) -> tuple[str, ...]:
    """The words of card 1 or 2."""
    assert len(secret) == SECRET_BYTES and card in (1, 2)
    return tuple(LIST[byte] for byte in secret + _check(card, secret))


def decode(card: int, typed: str) -> bytes:
    """The secret of this card from its words, or their first four letters; WrongWords otherwise."""
    words = typed.casefold().split()
    if len(words) != WORDS:
        raise WrongWords(f"card {card} has {WORDS} words, not {len(words)}")
    data = bytearray()
    for place, word in enumerate(words, 1):
        index = _BY_LETTERS.get(word[:LETTERS])
        if index is None or not LIST[index].startswith(word) or len(word) < LETTERS:
            raise WrongWords(f"word {place} of card {card} is not on the list; look again")
        data.append(index)
    secret, check = bytes(data[:SECRET_BYTES]), bytes(data[SECRET_BYTES:])
    if check == _check(card, secret):
        return secret
    if check == _check(3 - card, secret):
        raise WrongWords(f"these are the words of card {3 - card}, not of card {card}")
    raise WrongWords(f"one of the words of card {card} is another, or two changed places")


def lines(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words in three numbered lines of six, to be printed."""
    return tuple(
        "   ".join(f"{place + 1:2} {words[place]:<8}" for place in range(start, start + 6)).rstrip()
        for start in range(0, WORDS, 6)
    )
