"""What names and passwords may look like, and how they are refused."""

import base64
import re

from contract.statuses import (
    BAD_DATABASE_NAME,
    BAD_GROUP_NAME,
    ILLEGAL_ARGUMENT,
    INVALID,
    UNEXPECTED,
    Refusal,
    invalid,
    shown,
)

LONGEST_USER, LONGEST = 32, 255
BASE64 = r"[A-Za-z0-9+/]"


class Names:
    """The part of a server that reads names and passwords."""

    def check_user(self, name):
        name, rules = name.strip(), self.rules
        raw = name.encode()
        if not name:
            raise invalid("username must be not empty")
        if len(raw) > LONGEST_USER:
            raise invalid(
                f"invalid username {name} with length {len(raw)}, "
                f"the length of username must be less than {rules.longest_name}"
            )
        if not re.match("[A-Za-z]", name):
            letter = rules.first_letter.format(raw[0], chr(raw[0]))
            raise invalid(f"invalid user name {name}, the first character must be a letter, but got {letter}")
        for byte in raw:
            if not re.match(rules.user_characters, chr(byte)):
                raise invalid(
                    f"invalid user name {name}, username must contain only {rules.user_characters_named}, "
                    f"but got %!s(uint8={byte})"
                )

    def check_name(self, name, label):
        """Of a role, an object, a collection or a privilege; `label` says of which."""
        raw = name.strip().encode()
        if not raw:
            raise invalid(f"{label} should be not empty", "[expected=not empty][actual=]")
        if len(raw) > LONGEST:
            limits = f"[{len(raw)} out of range 0 <= value <= {LONGEST}]"
            raise invalid(f"the length of {label} must be not greater than limit", limits)
        if not re.match(rb"[A-Za-z_]", raw):
            limits = f"[expected={ord('_')}][actual={raw[0]}]"
            raise invalid(f"the first character of {label} must be an underscore or letter", limits)
        for place, byte in enumerate(raw):
            if not re.match(r"[A-Za-z0-9_$]", chr(byte)):
                characters = self.rules.name_characters
                raise invalid(f"{label} can only contain {characters}, found {shown(chr(byte))} at {place}")

    def check_name_or_any(self, name, label):
        if name != "*":
            self.check_name(name, label)

    def check_group_name(self, name):
        def refusal(about, words):
            return Refusal(UNEXPECTED, BAD_GROUP_NAME, f"{about}invalid privilege group name[privilegeGroup={words}]")

        if not name:
            raise refusal("", "privilege group name should not be empty")
        if len(name.encode()) > LONGEST:
            words = "the length of a privilege group name %s must be less than %s characters"
            raise refusal(f"{name}->{LONGEST}: ", words)
        if not re.match("[A-Za-z_]", name):
            words = "the first character of a privilege group name %s must be an underscore or letter"
            raise refusal(f"{name}: ", words)
        if not re.fullmatch("[A-Za-z0-9_]*", name):
            raise invalid(f"privilege group name {name} can only contain numbers, letters and underscores")

    def check_database_name(self, name):
        words = ""
        if len(name.encode()) > LONGEST:
            words = f"the length of a database name must be less than {LONGEST} characters"
        elif name and not re.match("[A-Za-z_]", name):
            words = "the first character of a database name must be an underscore or letter"
        elif not re.fullmatch("[A-Za-z0-9_]*", name):
            words = "database name can only contain numbers, letters and underscores"
        if words:
            raise Refusal(UNEXPECTED, BAD_DATABASE_NAME, f"{words}: invalid database name[database={name}]")

    def decode(self, text, what="password failed"):
        """A password as bytes."""
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            reason = f"decode {what}: illegal base64 data at input byte {bad_byte(text)}"
        legacy, code = (ILLEGAL_ARGUMENT, INVALID) if self.rules.coded else (UNEXPECTED, 65535)
        raise Refusal(legacy, code, reason)

    def check_length(self, password):
        longest = self.rules.longest_password
        if not 6 <= len(password) <= longest:
            raise invalid("invalid password length", f"[{len(password)} out of range 6 <= value <= {longest}]")

    def check_description(self, text, of):
        if self.rules.descriptions and len(text.encode()) > 1024:
            limits = f"[{len(text.encode())} out of range 0 <= value <= 1024]"
            raise invalid(f"the length of {of} description must be not greater than limit", limits)


def bad_byte(text):
    """Where Milvus's decoder of base64 stops: at an odd character, or where the last group of four begins."""
    text = text.rstrip("=")
    good = len(re.match(f"{BASE64}*", text)[0])
    return good if good < len(text) else good // 4 * 4
