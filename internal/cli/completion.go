package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

const completionLong = `Print a script that completes bt's commands and flags in a shell.

  bash        source <(bt completion bash)
  zsh         bt completion zsh > "${fpath[1]}/_bt"
  fish        bt completion fish > ~/.config/fish/completions/bt.fish
  powershell  bt completion powershell | Out-String | Invoke-Expression`

func (a *app) completion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print a completion script for a shell",
		Long:      completionLong,
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(cmd.CommandPath()+" bash", "which shell? One of %s", strings.Join(shells, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), a.out.w
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(w)
			}
			return usage(cmd.CommandPath()+" bash", "unknown shell %q: one of %s", args[0], strings.Join(shells, ", "))
		},
	}
}
