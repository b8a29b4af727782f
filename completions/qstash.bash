_qstash_completion() {
    local first line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -z $first ]]; then first=$line; else COMPREPLY+=("$line"); fi
    done < <(_QSTASH_COMPLETE=bash _QSTASH_LINE="${COMP_LINE:0:COMP_POINT}" \
        _QSTASH_WORD="$2" "$1" 2>/dev/null)
    [[ $first == open ]] && compopt -o nospace 2>/dev/null
    [[ $first == files ]] || return 0
    if [[ $2 != @* ]]; then compopt -o default 2>/dev/null; return 0; fi
    # With -o filenames bash would write \@.
    while IFS= read -r line; do
        if [[ -d $line ]]; then line+=/; compopt -o nospace 2>/dev/null; fi
        printf -v line '@%q' "$line"
        COMPREPLY+=("$line")
    done < <(compgen -f -- "${2#@}")
}

complete -F _qstash_completion qstash
