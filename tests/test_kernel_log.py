"""What is typed into fields is masked in records of messages, and nothing else is."""

import copy
import logging

import pytest

from milvus_magics.forms.kernel_log import FIELD_PREFIX, mask_messages
from milvus_magics.forms.secret_fields import SecretText
from milvus_magics.secret import MASK

PASSWORD = "Zq7-hunter-Kx9-17"


@pytest.fixture
def content():
    """A message to a field, as a kernel has it."""
    field = SecretText()
    yield {"comm_id": field.model_id, "data": {"method": "update", "state": {"value": PASSWORD}, "buffer_paths": []}}
    field.close()


def test_messages_to_fields_are_masked_and_stay_what_they_are(content, caplog):
    """As ipykernel writes them down, whole and in part, and as comm does."""
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("Comm")
    message = {"header": {"msg_type": "comm_msg"}, "content": content, "buffers": []}
    before = copy.deepcopy(message)
    logger.debug("   Content: %s\n   --->\n   ", content)
    logger.debug("%s: %s", "comm_msg", message)
    logger.debug("handle_msg[%s](%s)", content["comm_id"], [(message,)])
    logger.debug(message)
    assert PASSWORD not in caplog.text, "no log has what is typed into a field"
    assert caplog.text.count(MASK) == 4
    assert message == before, "what a message tells stays what it is"


@pytest.mark.parametrize(
    ("text", "arguments"),
    [("plain", ()), ("%s %d", ("a", 1)), ("%(a)s", ({"a": 1},)), ("%s", ({"comm_id": "other", "data": {"b": 2}},)),
     ("%s", ([1, (2, {"comm_id": None})],)), ("%s", ({3: {4}},))],
)  # fmt: skip
def test_other_records_stay_as_they_are(text, arguments, caplog):
    """Whatever they hold."""
    mask_messages()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("Comm").debug(text, *arguments)
    logging.getLogger("other").debug(text, *arguments)
    ours, other = (record.getMessage() for record in caplog.records)
    assert ours == other


def test_every_field_in_which_a_password_may_stand_is_known_by_its_id():
    """However many there are, a logger asks one filter."""
    fields = [SecretText() for _ in range(3)]
    assert len({field.model_id for field in fields}) == 3
    assert all(field.model_id.startswith(FIELD_PREFIX) for field in fields)
    filters = logging.getLogger("Comm").filters
    assert len(filters) == len(set(filters))
    for field in fields:
        field.close()
