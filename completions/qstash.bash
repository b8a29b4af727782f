_qstash_completion() {
    local first line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -z $first ]]; then first=$line; else COMPREPLY+=("$line"); fi
    done < <(_QSTASH_COMPLETE=bash _QSTASH_LINE="${COMP_LINE:0:COMP_POINT}" \
        _QSTASH_BREAKS="$COMP_WORDBREAKS" "$1" 2>/dev/null)
    [[ $first == open ]] && compopt -o nospace 2>/dev/null
    [[ $first == files ]] && compopt -o default 2>/dev/null
    return 0
}

complete -F _qstash_completion qstash
