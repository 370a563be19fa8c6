"""The suite of the Jupyter project, every test of it, against the installed u2ad kernel."""

import unittest

import jupyter_kernel_test as suite


class Conformance(suite.KernelTests):
    kernel_name = "u2ad"
    # Of which Starlark is a dialect: papermill and others go by this name.
    language_name = "python"
    file_extension = ".star"

    code_hello_world = 'print("hello, world")'
    code_stderr = 'warn("careful")'
    code_page_something = "seed?"
    code_generate_error = "unheard_of"
    code_clear_output = "clear_output()"
    code_inspect_sample = "seed"

    completion_samples = [
        {"text": "phantom_co", "matches": {"phantom_cohort"}},
        {"text": "estimate_", "matches": {"estimate_uncertainty"}},
    ]
    complete_code_samples = ["1 + 1", "x = [1,\n2]", "def f():\n  return 1\n", "# a note"]
    incomplete_code_samples = ["f(", "def f():", 'text = """one', "x = 1 +"]
    invalid_code_samples = ["x = = 1", "f(]", 'text = "one']

    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": '"a" + "b"', "result": '"ab"'},
        {"code": "phantom_cohort(subjects = 1, size = 64)[0]", "mime": "image/png"},
    ]
    code_display_data = [
        {"code": "plot(phantom_cohort(subjects = 1, size = 64)[0])", "mime": "image/png"},
        {
            "code": "table(detect(intensity_threshold(), phantom_cohort(subjects = 1, size = 64)))",
            "mime": "text/html",
        },
        {"code": 'show("é", id = "word")', "mime": "text/plain"},
    ]

    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")


class Welcome(suite.IopubWelcomeTests):
    kernel_name = "u2ad"
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main()
