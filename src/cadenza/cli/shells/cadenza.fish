# Completion of cadenza for fish, made by: cadenza completion fish
# For this shell:       cadenza completion fish | source
# For every new shell:  run once:
#   mkdir -p ~/.config/fish/completions
#   cadenza completion fish > ~/.config/fish/completions/cadenza.fish
function __cadenza_complete
    set -l line (commandline -cp | string collect)
    set -l program (string split -f 1 ' ' -- (string trim -l -- $line))
    set -l answer ($program __complete "$line" </dev/null 2>/dev/null)
    set -l token (commandline -ct)
    switch "$answer[1]"
        case words
            printf '%s\n' $answer[2..]
        case files
            set -l mark (string match -r '^(?:@|--[^=]*=)' -- $token)
            printf "$mark%s\n" (__fish_complete_path (string sub -s (math (string length -- "$mark") + 1) -- $token))
        case folders
            set -l mark (string match -r '^--[^=]*=' -- $token)
            printf "$mark%s\n" (__fish_complete_directories (string sub -s (math (string length -- "$mark") + 1) -- $token))
    end
end
complete -c cadenza -f -k -a '(__cadenza_complete)'
