// SPDX-License-Identifier: BSD-2-Clause
#include "completion.hpp"

namespace keyway::cli {

namespace {

// Readline cuts words at the characters in COMP_WORDBREAKS, the colon and the equals sign among them, and replaces only what
// is behind the last of them.
constexpr std::string_view for_bash = R"(# bash completion for keyway; made by `keyway completion bash`
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
)";

constexpr std::string_view for_zsh = R"(#compdef keyway
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
)";

constexpr std::string_view for_fish = R"(# fish completion for keyway; made by `keyway completion fish`
function __keyway_words
    set -l before (commandline -opc)
    set -l command $before[1]
    set -e before[1]
    set -l typed (commandline -ct)
    for line in ($command completion words $before "$typed" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$typed"
        else
            echo $line
        end
    end
end
complete -c keyway -f -a '(__keyway_words)'
)";

}  // namespace

std::string_view completion_script(std::string_view shell) noexcept {
    return shell == "bash" ? for_bash : shell == "zsh" ? for_zsh : for_fish;
}

}  // namespace keyway::cli
