# fish completion for keyway; made by `keyway completion fish`
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
