"""One target in a process of its own, which fuzz.py starts: `python target.py TARGET` and what libFuzzer takes."""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["milvus_magics"]):
    import test_arguments
    import test_fuzz

# Each is a test that hypothesis feeds in `make test`; here the bytes that its choices are made from come from atheris.
TARGETS = {
    "arguments": test_arguments.test_no_line_fails_otherwise_or_echoes,
    "variables": test_arguments.test_any_text_can_be_given_in_a_variable,
    "quotes": test_arguments.test_any_text_can_be_given_in_single_quotes,
    "uri": test_fuzz.test_any_uri_is_an_address_or_one_clear_line,
    "status": test_fuzz.test_any_status_is_an_error_of_ours,
    "grpc": test_fuzz.test_any_failure_of_grpc_is_an_error_of_ours,
    "rows": test_fuzz.test_any_rows_are_rows_or_one_clear_line,
    "file": test_fuzz.test_any_file_is_rows_or_one_clear_line,
    "source": test_fuzz.test_any_name_of_a_source_is_rows_or_one_clear_line,
    "html": test_fuzz.test_any_text_is_text_in_html,
}


def main(name, *options):
    """Feed a target until libFuzzer ends the process."""
    atheris.Setup([name, *options], TARGETS[name].hypothesis.fuzz_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print(*TARGETS)
    else:
        main(*sys.argv[1:])
