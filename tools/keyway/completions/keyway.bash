# bash completion for keyway; made by `keyway completion bash`
_keyway() {
    local line=${COMP_LINE:0:COMP_POINT} typed behind breaks= word file
    local -a words
    read -r -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    typed=${words[${#words[@]} - 1]}
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
    behind=$typed
    [[ -n $breaks ]] && behind=${typed##*["$breaks"]}
    local front=${typed%"$behind"}
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ $word == :files ]]; then
            while IFS= read -r file; do
                COMPREPLY+=("$file")
            done < <(compgen -f -- "$behind")
            compopt -o filenames 2>/dev/null
            continue
        fi
        word=${word%%$'\t'*}
        [[ $word == *[:=] ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("${word#"$front"}")
    done < <("$1" completion words "${words[@]:1}" 2>/dev/null)
}
complete -F _keyway keyway
