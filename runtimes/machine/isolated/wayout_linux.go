package isolated

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/containers/gvisor-tap-vsock/pkg/types"
	"github.com/containers/gvisor-tap-vsock/pkg/virtualnetwork"
	"github.com/inetaf/tcpproxy"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A machine's way out is a process on the host that plays a network: it has the far end
// of a network device in the machine and does, over connections of its own, what the
// machine's packets ask for. So the host is not changed to forward packets, and nothing
// stays when the process ends, which it does with the runner.

// outName is the machine's network device that leads out.
const outName = "out0"

// outSetup is the process's argument.
type outSetup struct {
	MTU int `json:"mtu"`
	// Forwards are addresses on the host to listen at, and where each leads.
	Forwards map[string]string `json:"forwards"`
}

// tapFD is the file that the process inherits.
const tapFD = 3

// leadOut runs in that process. It returns when the machine's network is gone.
func leadOut(config string) error {
	var s outSetup
	if err := json.Unmarshal([]byte(config), &s); err != nil {
		return err
	}
	var forward tcpproxy.Proxy
	for from, to := range s.Forwards {
		forward.AddRoute(from, tcpproxy.To(to))
	}
	if err := forward.Start(); err != nil {
		return fmt.Errorf("forwarding to the host's proxy: %w", err)
	}
	l := outLink(s.MTU)
	network, err := virtualnetwork.New(&types.Configuration{
		MTU: l.mtu, Subnet: l.network.String(), GatewayIP: l.host.String(),
		GatewayMacAddress: "5a:94:ef:e4:0c:ee", // an arbitrary one of those for private use
	})
	if err != nil {
		return err
	}
	return network.AcceptVfkit(context.Background(), tap{os.NewFile(tapFD, outName)})
}

// tap makes a connection of a device's file: each call is one packet.
type tap struct{ *os.File }

func (tap) LocalAddr() net.Addr  { return &net.UnixAddr{Name: outName} }
func (tap) RemoteAddr() net.Addr { return &net.UnixAddr{Name: outName} }

// openWayOut opens the machine's way out, if it has one: it makes the device that leads
// out, starts the process at its other end, and gives the machine's clients the user's
// configuration.
func (m *Machine) openWayOut() error {
	if m.config.WayOut == nil {
		return nil
	}
	ns, err := m.network()
	if err != nil {
		return err
	}
	defer ns.Close()
	device, err := m.newTap()
	if err != nil {
		return fmt.Errorf("making the network device of its way out: %w", err)
	}
	defer device.Close()
	l := outLink(m.link.mtu)
	inside, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("reaching the machine's network: %w", err)
	}
	defer inside.Close()
	if err := bringUp(inside, outName, l.machine); err != nil {
		return err
	}
	if err := inside.RouteAdd(&netlink.Route{Gw: l.host.AsSlice()}); err != nil {
		return fmt.Errorf("routing the machine's packets to its way out: %w", err)
	}
	_, forwards := reachable(m.config.WayOut.Proxies, m.link.link)
	config, err := json.Marshal(outSetup{MTU: l.mtu, Forwards: forwards})
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{initName, "lead-out", string(config)}, Env: []string{},
		ExtraFiles: []*os.File{device}, Stderr: m.log,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true},
	}
	m.wayOut = make(chan struct{})
	if err := startOnThread(cmd, m.wayOut); err != nil {
		return fmt.Errorf("starting its way out: %w", err)
	}
	m.leader = cmd
	return m.writeClientConfig()
}

// newTap makes the device in the machine's network. The device exists as long as its file
// is open.
func (m *Machine) newTap() (device *os.File, err error) {
	err = m.inNetwork(func() (err error) {
		// The machine has the device's file; the host may have none.
		if device, err = os.OpenFile(filepath.Join(m.Root(), "dev/net/tun"), os.O_RDWR, 0); err != nil {
			return err
		}
		request, err := unix.NewIfreq(outName)
		if err == nil {
			request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(int(device.Fd()), unix.TUNSETIFF, request)
		}
		if err != nil {
			return errors.Join(err, device.Close())
		}
		return nil
	})
	return device, err
}

// writeClientConfig writes the user's logins to where clients inside find them.
func (m *Machine) writeClientConfig() error {
	out := m.config.WayOut
	if out.ClientConfig == nil {
		return nil
	}
	proxies, _ := reachable(out.Proxies, m.link.link)
	text, err := out.ClientConfig(proxies)
	if err != nil {
		return err
	}
	folder := filepath.Join(m.Root(), userFolder)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("making the folder of the user's configuration: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), text, 0o600); err != nil {
		return fmt.Errorf("writing the user's configuration: %w", err)
	}
	return nil
}

// userFolder is for the result of ClientConfig. It is below /run, which is in memory.
const userFolder = "/run/stratbench/user"

// environment is what the machine's engine and its clients need to reach other hosts.
func (w *WayOut) environment(l link) []string {
	if w == nil {
		return nil
	}
	proxies, _ := reachable(w.Proxies, l)
	var env []string
	for _, name := range slices.Sorted(maps.Keys(proxies)) {
		env = append(env, name+"="+proxies[name])
	}
	if w.Authorities != "" {
		env = append(env, "SSL_CERT_FILE="+w.Authorities)
	}
	return env
}

// clientEnvironment is what clients need in addition to act as the user.
func (w *WayOut) clientEnvironment() []string {
	if w == nil || w.ClientConfig == nil {
		return nil
	}
	return []string{"DOCKER_CONFIG=" + userFolder, "REGISTRY_AUTH_FILE=" + userFolder + "/config.json"}
}

// reachable converts the host's proxies to addresses that a machine can reach. A proxy on
// the host's loopback address is reached at the runner's end of the link; forwards are
// these addresses and where each leads. The runner and the machine itself are never
// reached through a proxy.
func reachable(proxies map[string]string, l link) (inside, forwards map[string]string) {
	inside, forwards = map[string]string{}, map[string]string{}
	for name, value := range proxies {
		if strings.EqualFold(name, "no_proxy") {
			continue
		}
		if at, err := url.Parse(value); err == nil && isLoopback(at.Hostname()) && at.Port() != "" {
			from := net.JoinHostPort(l.host.String(), at.Port())
			forwards[from] = at.Host
			at.Host = from
			value = at.String()
		}
		inside[name] = value
	}
	if len(inside) == 0 {
		return inside, forwards
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		inside[name] = strings.TrimPrefix(proxies[name]+",localhost,127.0.0.0/8,"+bench.String(), ",")
	}
	return inside, forwards
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
