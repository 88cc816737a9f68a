package pipeline

import (
	"context"
	"fmt"

	"github.com/stratbench/stratbench/pipeline/deploy"
)

// deploy is the phase deploy: manifests applied, all objects ready, all URLs
// answering.
func (t *run) deploy(ctx context.Context, ph *phase) error {
	see := deploy.Observer{
		Log:      func(line string) { ph.log("", line) },
		Progress: func(ready, of int) { ph.progress("", fmt.Sprintf("%d of %d objects ready", ready, of)) },
	}
	client, err := deploy.Connect(t.cfg.Kubeconfig(), see)
	if err != nil {
		return err
	}
	objects := t.inputs.manifests
	if err := ph.within("apply", "", "apply", func() error { return client.Apply(ctx, objects) }); err != nil {
		return err
	}
	if err := ph.within("objects ready", "", "objects ready", func() error { return client.Wait(ctx, objects) }); err != nil {
		return err
	}
	return ph.within("urls answer", "", "urls answer", func() error { return deploy.Answers(ctx, t.cfg.ReadyURLs, see) })
}
