# What every script says of itself, and of options that it does not have. Sourced from the repository's root, not run.

# The comment at the head of the script.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "ops/${0##*/}"; }

# refuse_option WORD: code 2, as for every command line that cannot be understood.
refuse_option() {
    echo "error: there is no option $1; see $0 --help" >&2
    exit 2
}

# need_value "$@": code 2, unless the option $1 has its value. Another option is none.
need_value() {
    case ${2:-} in
        '' | --*)
            echo "error: $1 needs a value; see $0 --help" >&2
            exit 2
            ;;
    esac
}

# need_number "$@": the same for a value that is a whole number.
need_number() {
    need_value "$@"
    case $2 in
        *[!0-9]*)
            echo "error: $1 needs a whole number, and was given $2; see $0 --help" >&2
            exit 2
            ;;
    esac
}
