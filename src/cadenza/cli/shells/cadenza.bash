# Completion of cadenza for bash 4.4 or later, made by: cadenza completion bash
# For this shell:       eval "$(cadenza completion bash)"
# For every new shell:  put that line into ~/.bashrc, or, where bash-completion is installed, run once:
#   mkdir -p ~/.local/share/bash-completion/completions
#   cadenza completion bash > ~/.local/share/bash-completion/completions/cadenza
_cadenza() {
    local program=$1 replaced=$2 kind value mark=
    local line=${COMP_LINE:0:COMP_POINT}
    local typed=${line##*[[:space:]]}
    # readline breaks words at : and = and replaces only what stands behind the last of them.
    local kept=${typed%"$replaced"}
    COMPREPLY=()
    {
        read -r kind
        case $kind in
            words)
                while IFS=$'\t' read -r value _; do
                    COMPREPLY+=("${value#"$kept"}")
                    [[ $value == *[:=] ]] && compopt -o nospace
                done
                ;;
            files)
                compopt -o filenames
                [[ $replaced == @* ]] && mark=@
                mapfile -t COMPREPLY < <(compgen -P "$mark" -f -- "${replaced#@}")
                ;;
            folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$replaced") ;;
        esac
    } < <("$program" __complete "$line" </dev/null 2>/dev/null)
}
complete -F _cadenza cadenza
