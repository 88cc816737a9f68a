package docker

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	controlapi "github.com/moby/buildkit/api/services/control"
	bkclient "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"

	"github.com/stratbench/stratbench/runtimes"
)

// Forget implements runtimes.Engine. BuildKit does not report which build made a record,
// but it reports when each build ran. A new record that was made while one of these builds
// ran, and no other build, is that build's. An engine that is stopped forgets the builds
// that run: a record that no build made, as far as the engine knows, may then be theirs,
// and is left. Before Docker 23, BuildKit reports neither.
func (e *Engine) Forget(ctx context.Context, builds, had []string) (left []string, err error) {
	defer runtimes.Doing(&err, "forgetting builds")
	client, err := e.dialBuildKit(ctx)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	records, err := client.DiskUsage(ctx)
	if err != nil {
		return nil, err
	}
	records = slices.DeleteFunc(records, func(r *bkclient.UsageInfo) bool { return slices.Contains(had, r.ID) })
	ran, err := buildsThatRan(ctx, client)
	if grpcerrors.Code(err) == codes.Unimplemented {
		return ids(records), nil
	}
	if err != nil {
		return nil, err
	}
	forgotten := slices.ContainsFunc(builds, func(ref string) bool {
		return !slices.ContainsFunc(ran, func(b *controlapi.BuildHistoryRecord) bool { return b.Ref == ref })
	})
	var made []string
	for _, r := range records {
		switch ours, others := ran.at(r.CreatedAt, builds); {
		case ours && !others:
			made = append(made, r.ID)
		case ours, forgotten && !others:
			left = append(left, r.ID)
		}
	}
	used, err := prune(ctx, client, made)
	if err != nil {
		return left, err
	}
	for _, b := range ran {
		if !slices.Contains(builds, b.Ref) {
			continue
		}
		if _, err := client.ControlClient().UpdateBuildHistory(ctx, &controlapi.UpdateBuildHistoryRequest{Ref: b.Ref, Delete: true}); err != nil {
			return left, err
		}
	}
	return append(left, used...), nil
}

func ids(records []*bkclient.UsageInfo) (ids []string) {
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

// history is BuildKit's list of builds.
type history []*controlapi.BuildHistoryRecord

func buildsThatRan(ctx context.Context, client *bkclient.Client) (ran history, err error) {
	events, err := client.ControlClient().ListenBuildHistory(ctx, &controlapi.BuildHistoryRequest{EarlyExit: true})
	if err != nil {
		return nil, err
	}
	for {
		e, err := events.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return ran, nil
		case err != nil:
			return nil, err
		case e.Record != nil:
			ran = append(ran, e.Record)
		}
	}
}

// at reports whether one of the builds, and whether another one, ran at time t.
func (h history) at(t time.Time, builds []string) (ours, others bool) {
	for _, b := range h {
		began, ended := b.CreatedAt.AsTime(), b.CompletedAt
		if t.Before(began) || ended != nil && t.After(ended.AsTime()) {
			continue
		}
		if slices.Contains(builds, b.Ref) {
			ours = true
		} else {
			others = true
		}
	}
	return ours, others
}

// prune removes records from the cache and returns those that are in use. A record
// can only be removed after those that depend on it, so prune repeats until nothing
// changes.
func prune(ctx context.Context, client *bkclient.Client, made []string) (used []string, err error) {
	for before := len(made) + 1; len(made) > 0 && len(made) < before; {
		before = len(made)
		var filters []string
		for _, id := range made {
			filters = append(filters, "id=="+id)
		}
		if err := client.Prune(ctx, nil, bkclient.PruneAll, bkclient.WithFilter(filters)); err != nil {
			return made, err
		}
		records, err := client.DiskUsage(ctx)
		if err != nil {
			return made, err
		}
		there := ids(records)
		made = slices.DeleteFunc(made, func(id string) bool { return !slices.Contains(there, id) })
	}
	return made, nil
}
