"""The scripts with which a shell requests completions from `qstash`.

Each script passes the command line up to the cursor in `_QSTASH_LINE`, and the shell's name in
`_QSTASH_COMPLETE`. The first line of the output is `values`, `open` (incomplete values, so no space
follows) or `files`. Each further line is a value, a tab and its description. No script evaluates
the output, since anyone may have chosen the names of queues and keys.
"""

from __future__ import annotations

_BASH = r"""
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
"""

_ZSH = r"""
#compdef qstash

_qstash() {
    local first line value
    local -a answer entries more
    answer=("${(@f)$(_QSTASH_COMPLETE=zsh \
        _QSTASH_LINE="${(j: :)words[1,CURRENT-1]} $IPREFIX$PREFIX" "${(Q)words[1]}" 2>/dev/null)}")
    first=$answer[1]
    if [[ $first == files ]]; then
        compset -P '*@'
        _files
        return
    fi
    [[ $first == open ]] && more=(-S '')
    for line in "${(@)answer[2,-1]}"; do
        value=${line%%$'\t'*}
        value=${${value//\\/\\\\}//:/\\:}
        entries+=("$value:${line#*$'\t'}")
    done
    _describe -V qstash entries "${more[@]}"
}

if [[ $funcstack[1] == _qstash ]]; then
    _qstash "$@"
else
    compdef _qstash qstash
fi
"""

_FISH = r"""
function __qstash_complete
    set -l line (commandline -cp)
    set -l answer (env _QSTASH_COMPLETE=fish _QSTASH_LINE="$line" qstash 2>/dev/null)
    set -l current (commandline -ct)
    if test "$answer[1]" != files
        set -q answer[2]; and printf '%s\n' $answer[2..-1]
    else if string match -q '@*' -- $current
        string replace -r '^' '@' -- (__fish_complete_path (string sub -s 2 -- $current))
    else
        __fish_complete_path $current
    end
end

complete --command qstash --no-files --arguments '(__qstash_complete)'
"""

_POWERSHELL = r"""
Register-ArgumentCompleter -Native -CommandName qstash -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $end = $cursorPosition - $commandAst.Extent.StartOffset
    $Env:_QSTASH_COMPLETE = 'powershell'
    $Env:_QSTASH_LINE = $commandAst.ToString().PadRight($end).Substring(0, $end)
    $answer = @(qstash 2>$null)
    Remove-Item Env:_QSTASH_COMPLETE, Env:_QSTASH_LINE
    $answer | Select-Object -Skip 1 | ForEach-Object {
        $value, $description = $_ -split "`t", 2
        if (-not $description) { $description = $value }
        $text = $value
        if ($text -match '[^\w@%+=:,./-]') { $text = "'" + $text.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new(
            $text, $value, 'ParameterValue', $description)
    }
}
"""

SCRIPTS = {
    "bash": _BASH.lstrip(),
    "zsh": _ZSH.lstrip(),
    "fish": _FISH.lstrip(),
    "powershell": _POWERSHELL.lstrip(),
}
