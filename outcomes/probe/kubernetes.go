package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

// Dial connects to an address as it is seen inside a machine.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Kubernetes asks the API server of a cluster for its health.
type Kubernetes struct {
	client *http.Client
	port   int
}

// NewKubernetes returns a prober of the API server that a machine publishes at
// a port of its own loopback address. Health is told without credentials.
func NewKubernetes(dial Dial, port int) *Kubernetes {
	return &Kubernetes{port: port, client: &http.Client{Transport: &http.Transport{
		DialContext: dial, DisableKeepAlives: true,
		// Whether it answers is asked, not who: the certificate is the cluster's own.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}}
}

// Live answers nil when the API server says that it lives.
func (k *Kubernetes) Live(ctx context.Context) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(k.port))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/livez", nil)
	if err != nil {
		return err
	}
	began := time.Now()
	answer, err := k.client.Do(request)
	if err != nil {
		return runtimes.Unanswered(ctx, began, err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 2000))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the API server answers %s: %.200s", answer.Status, text)
	}
	return nil
}
