package isolated

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// awaitAnswer waits until the engine answers. Both engines have Docker's ping.
func (m *Machine) awaitAnswer(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", m.socket())
		},
	}}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ping(ctx, client)
		if err == nil {
			return nil
		}
		select {
		case <-m.exited:
			return fmt.Errorf("its engine ended before it answered: %s: %s", m.exit, m.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("its engine does not answer: %w: %w: %s", context.Cause(ctx), err, m.lastWords())
		case <-tick.C:
		}
	}
}

func ping(ctx context.Context, client *http.Client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/_ping", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}

// lastWords are the last lines of the engine's log.
func (m *Machine) lastWords() []byte {
	b, _ := m.Log(2000)
	return bytes.TrimSpace(b)
}
