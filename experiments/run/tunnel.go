package run

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes"
	"github.com/stratbench/stratbench/outcomes/watch"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
)

// openTunnel opens a tunnel to what the trial's cluster publishes on the loopback interface
// of another host, if the engine there is reached by ssh. Ports are the same on both hosts,
// so that kubeconfigs and URLs lead to the cluster from both. The API server's is chosen
// here, as Kind would, unless the user has set it.
func (x *execution) openTunnel(ctx context.Context, cfg *pipeline.Config) error {
	if !cfg.Endpoint.BySSH() {
		return nil
	}
	kind, err := kindcluster.ReadConfig(cfg.KindConfig, nil)
	if err != nil {
		return err
	}
	n := &kind.Networking
	if at := kindcluster.OnLoopback(n.APIServerAddress, 0); at != "" && n.APIServerPort <= 0 {
		free, err := net.Listen("tcp", at)
		if err != nil {
			return fmt.Errorf("finding a port for the tunnel to %s: %w", cfg.Endpoint, err)
		}
		n.APIServerPort = int32(free.Addr().(*net.TCPAddr).Port)
		free.Close()
		cfg.KindPatches = append(cfg.KindPatches, kindcluster.WithAPIServerPort(n.APIServerPort))
	}
	addresses := kindcluster.Tunnelled(kind)
	return x.within("tunnel", func() error {
		x.log.line(x.clock.Elapsed(), "runner", "the tunnel carries "+strings.Join(addresses, ", "))
		ctx, cancel := context.WithTimeout(ctx, answerLimit)
		defer cancel()
		broken, stop, err := cfg.Endpoint.Tunnel(ctx, addresses)
		if err == nil {
			x.tunnelBroken, x.ends = broken, append(x.ends, stop)
		}
		return err
	})
}

// blameTunnel makes the tunnel the cause of a failure that it explains: ssh does not connect
// to the engine's host any more, or the log shows that it did not for a moment.
func (x *execution) blameTunnel(ctx context.Context, c *outcomes.Case) {
	if x.tunnelBroken == nil {
		return
	}
	// In a deployment or a test, ssh may be a user's own.
	if c.Text.Cause == trial.CauseTunnel && slices.Contains([]trial.Phase{trial.PhaseCluster, trial.PhaseBuild, trial.PhaseLoad}, c.Phase) {
		c.Text.Outcome = trial.RunnerFault
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(x.spec.Limits.Describe))
	defer cancel()
	if err := x.cfg.Endpoint.CanTunnel(ctx); err != nil {
		c.Findings = append(c.Findings, watch.Finding{State: trial.StateTunnelBroken, Phase: c.Phase, Text: err.Error(), At: x.clock.Elapsed()})
	}
}
