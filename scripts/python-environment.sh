# To be sourced from the repository's root. `python_environment NAME REQUIREMENTS` makes the virtual environment
# target/NAME with what the file asks for, anew if that changed, and puts its path into $environment.

python_environment() {
    command -v python3 >/dev/null || { echo "this needs python3, which is not on the path" >&2; return 1; }
    environment=target/$1
    if ! cmp -s "$2" "$environment/installed.txt"; then
        rm -rf "$environment"
        python3 -m venv "$environment"
        "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
        cp "$2" "$environment/installed.txt"
    fi
}
