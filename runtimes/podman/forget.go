package podman

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/containers/podman/v5/libpod/define"
	"github.com/containers/podman/v5/pkg/bindings"
	"github.com/containers/podman/v5/pkg/bindings/system"
	"github.com/containers/podman/v5/pkg/domain/entities/types"
)

// Forget implements runtimes.Engine. What Podman caches are images. But a build
// whose service was killed leaves its working containers for good, and one
// whose client has gone keeps them for a while; they hold images. Which are of
// these builds is known by their marks, where the store is on this host.
func (e *Engine) Forget(ctx context.Context, builds, had []string) (left []string, err error) {
	var marks []mark
	for _, b := range builds {
		marks = append(marks, markOf(b))
	}
	if left, err = e.forget(ctx, marks, had); err != nil {
		return left, fmt.Errorf("removing the working containers of builds: %w", err)
	}
	return left, nil
}

// forget looks until there is none left, because a build that still runs may be
// about to make its next one.
func (e *Engine) forget(ctx context.Context, marks []mark, had []string) (left []string, err error) {
	info, err := system.Info(e.call(ctx), nil)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(2 * grace); ; time.Sleep(grace / 10) {
		if e.local {
			for _, m := range marks {
				killMarked(m)
			}
		}
		held, err := containers(e.call(ctx))
		if err != nil {
			return nil, err
		}
		left = nil
		removed := 0
		for _, o := range held {
			switch {
			case !working(o) || slices.Contains(had, o.ID):
			case e.local && workingFor(info.Store, o.ID, marks) && time.Now().Before(end):
				removed++
				if err := e.removeContainer(ctx, o.ID); err != nil {
					return nil, err
				}
			default:
				left = append(left, o.ID)
			}
		}
		if removed == 0 {
			return left, nil
		}
	}
}

// working tells the working container of a build from others.
func working(o types.ListContainer) bool {
	return o.State == "storage" && slices.Equal(o.Command, []string{"buildah"})
}

// workingFor says whether a container works for a build with one of the marks:
// buildah writes down the limits of a build's commands.
func workingFor(store *define.StoreInfo, id string, marks []mark) bool {
	text, err := os.ReadFile(filepath.Join(store.GraphRoot, store.GraphDriverName+"-containers", id, "userdata", "buildah.json"))
	if err != nil {
		return false
	}
	var state struct {
		CommonBuildOpts struct{ Ulimit []string }
	}
	if json.Unmarshal(text, &state) != nil {
		return false
	}
	return slices.ContainsFunc(marks, func(m mark) bool { return slices.Contains(state.CommonBuildOpts.Ulimit, m.ulimit()) })
}

// removeContainer removes a container. One that is not there is no error.
func (e *Engine) removeContainer(ctx context.Context, id string) error {
	ctx = e.call(ctx)
	client, err := bindings.GetClient(ctx)
	if err != nil {
		return err
	}
	answer, err := client.DoRequest(ctx, nil, http.MethodDelete, "/containers/%s", url.Values{"force": {"true"}, "ignore": {"true"}}, nil, id)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := answer.Process(nil); err != nil && !missing(err) {
		return err
	}
	return nil
}
