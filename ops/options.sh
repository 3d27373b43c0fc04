# What every script says of itself, and of options that it does not have. Sourced from the repository's root, not run.

# The comment at the head of the script.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "ops/${0##*/}"; }

# refuse_option WORD: code 2, as for every command line that cannot be understood.
refuse_option() {
    echo "error: there is no option $1; see $0 --help" >&2
    exit 2
}
