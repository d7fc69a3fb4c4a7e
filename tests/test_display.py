"""Text from the server cannot act in a page or a terminal."""

from milvus_magics.client.models import User, Users

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J"


def test_html_escapes_names_roles_and_caption():
    """Every value in an HTML table is escaped."""
    shown = Users([User(HOSTILE, (HOSTILE,))], caption=HOSTILE)._repr_html_()
    assert "<img" not in shown, "text from the server is never HTML"
    assert shown.count("&lt;img") == 3


def test_text_holds_no_control_characters():
    """No value reaches a terminal as an escape sequence."""
    assert "\x1b" not in repr(Users([User(HOSTILE)]))


def test_long_tables_say_what_they_leave_out():
    """HTML is capped, with a count; the result itself is whole."""
    users = Users([User(f"u{i}") for i in range(205)])
    assert "and 5 more" in users._repr_html_()
    assert len(users) == 205
    assert users.to_dicts()[204] == {"name": "u204", "roles": (), "description": ""}
