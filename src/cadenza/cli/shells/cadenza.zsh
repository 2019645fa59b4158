#compdef cadenza
# Completion of cadenza for zsh, made by: cadenza completion zsh
# For this shell:       eval "$(cadenza completion zsh)"
# For every new shell:  put that line into ~/.zshrc, after compinit, or run once:
#   mkdir -p ~/.zfunc && cadenza completion zsh > ~/.zfunc/_cadenza
# and have in ~/.zshrc, before compinit:  fpath+=~/.zfunc
_cadenza() {
    local kind line value help
    local -a answer ended goes_on
    line="${(j: :)${(@)words[1,CURRENT-1]}} $PREFIX"
    answer=("${(@f)$($words[1] __complete "$line" </dev/null 2>/dev/null)}")
    kind=$answer[1]
    case $kind in
        words)
            for line in "${(@)answer[2,-1]}"; do
                value=${line%%$'\t'*} help=${line#*$'\t'}
                value=${value//:/\\:}${help:+:$help}
                if [[ ${line%%$'\t'*} == *[:=] ]]; then goes_on+=("$value"); else ended+=("$value"); fi
            done
            (( $#goes_on )) && _describe cadenza goes_on -S ''
            (( $#ended )) && _describe cadenza ended
            ;;
        files) compset -P '--*=' || compset -P '@'; _files ;;
        folders) compset -P '--*='; _files -/ ;;
    esac
}
# Loaded from fpath it is being called; in a shell's own start-up file it is only made known.
if [[ $funcstack[1] == _cadenza ]]; then _cadenza "$@"; else compdef _cadenza cadenza; fi
