package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/lab"
)

func labCommand() *cobra.Command {
	var install, ifNeeded bool
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Build what isolated machines start from: engines, node image, base images",
		Long: `Build engine roots, a Kind node image and base images, and from them the golden
states of Podman and Docker that isolated machines start from. It is kept in
the user's cache folder and built anew only when its inputs change; run does
the same when something is missing.`,
		Example: "  stratbench lab --install-missing",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			began := time.Now()
			if ifNeeded {
				why, needed, err := run.NeedsLab(cmd.Context())
				if err != nil {
					return usageError{err}
				}
				if !needed {
					fmt.Fprintln(cmd.ErrOrStderr(), "no lab is needed:", why)
					return nil
				}
			}
			show := newProgress(cmd.ErrOrStderr())
			defer show.close()
			if install {
				show.update(run.Update{Preparing: &run.Preparation{What: "checking for what the lab needs"}})
				if err := lab.InstallPrerequisites(cmd.Context(), show); err != nil {
					return usageError{err}
				}
			}
			if err := run.PrepareLab(cmd.Context(), show.update); err != nil {
				return err
			}
			show.note(fmt.Sprintf("the lab is ready after %s", time.Since(began).Round(100*time.Millisecond)))
			return nil
		},
	}
	cmd.Flags().BoolVar(&install, "install-missing", false, "install Debian packages that are missing")
	cmd.Flags().BoolVar(&ifNeeded, "if-needed", false, "do nothing where engines of the user's run that can be used")
	return cmd
}
