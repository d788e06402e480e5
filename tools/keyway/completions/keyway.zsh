#compdef keyway
# zsh completion for keyway; made by `keyway completion zsh`
_keyway() {
    local line word help files=
    local -a plain shown open
    for line in "${(@f)$("${(Q)words[1]}" completion words "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        if [[ $line == :files ]]; then
            files=yes
            continue
        fi
        word=${line%%$'\t'*}
        help=${line#*$'\t'}
        if [[ -z $word ]]; then
            continue
        elif [[ $word == *[:=] ]]; then
            open+=("$word")
        elif [[ $help == "$line" ]]; then
            plain+=("$word")
            shown+=("$word")
        else
            plain+=("$word")
            shown+=("$word  -- $help")
        fi
    done
    (( $#open )) && compadd -S '' -a open
    (( $#plain )) && compadd -l -d shown -a plain
    if [[ -n $files ]]; then
        compset -P '(file:|--[a-z-]#=)'
        _files
    fi
}
if [[ $funcstack[1] == _keyway ]]; then
    _keyway "$@"
else
    compdef _keyway keyway
fi
