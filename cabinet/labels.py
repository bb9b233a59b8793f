"""What a scanned label says: a GS1 code's medicine, lot and expiry, or nothing of use.

Not for deciding whether it is the right one. One rule: a label that is not read whole and without
error says nothing.
"""

from cabinet.events import CodeSeen

NDC_PREFIX = "03"  # a US drug's GTIN-14: packaging digit, 03, ten digits of the NDC, check digit


def read(text: str) -> CodeSeen:
    """The label in `text` as scanned; FNC1 arrives as 0x1D."""
    import biip  # 17 MB that only a scan needs

    try:
        parsed = biip.parse(text)
    except (biip.ParseError, ValueError, LookupError):  # it was not written for every string
        return CodeSeen("")
    message = parsed.gs1_message
    if message is None or parsed.gs1_message_error:
        gtin = parsed.gtin.as_gtin_14() if parsed.gtin is not None else ""
        return CodeSeen(_ndc(gtin))
    values = {element.ai.ai: element for element in message.element_strings}
    wrong = any(element.gtin_error for element in message.element_strings)
    if wrong or len(values) < len(message.element_strings):  # a check digit, or one thing twice
        return CodeSeen("")
    if "17" in values and values["17"].date is None:
        return CodeSeen("")
    lot = values["10"].value if "10" in values else ""
    expiry = values["17"].date if "17" in values else None
    gtin = values["01"].value if "01" in values else ""
    return CodeSeen(_ndc(gtin), lot, expiry.isoformat() if expiry is not None else "")


def _ndc(gtin: str) -> str:
    """The ten digits of the NDC in a 14-digit GTIN, "" when it is not a US drug's."""
    return gtin[3:13] if len(gtin) == 14 and gtin[1:3] == NDC_PREFIX else ""
