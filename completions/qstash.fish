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
