package isolated

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/containers/gvisor-tap-vsock/pkg/types"
	"github.com/containers/gvisor-tap-vsock/pkg/virtualnetwork"
	"github.com/inetaf/tcpproxy"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A machine's way out is a process on the host that is a network of its own:
// it holds the far end of a network device of the machine's and does by itself,
// over connections of its own, what the machine's packets ask for. So nothing
// on the host is changed to forward packets, and nothing stays when the process
// ends, which it does with the runner.

// outName is the machine's network device that leads out.
const outName = "out0"

// gatewayMAC is any address of the kind that everyone may choose.
const gatewayMAC = "5a:94:ef:e4:0c:ee"

// outSetup is what the process needs to know.
type outSetup struct {
	MTU int `json:"mtu"`
	// Forwards are addresses on the host to listen at, with where they lead.
	Forwards map[string]string `json:"forwards"`
}

// tapFD is the file that the process is started with.
const tapFD = 3

// leadOut is the process. It returns when the machine's network is gone.
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
		MTU: l.mtu, Subnet: l.network.String(), GatewayIP: l.host.String(), GatewayMacAddress: gatewayMAC,
	})
	if err != nil {
		return err
	}
	return network.AcceptVfkit(context.Background(), tap{os.NewFile(tapFD, outName)})
}

// tap is a device's file as the connection that it is: one packet a call.
type tap struct{ *os.File }

func (tap) LocalAddr() net.Addr  { return &net.UnixAddr{Name: outName} }
func (tap) RemoteAddr() net.Addr { return &net.UnixAddr{Name: outName} }

// openWayOut gives the machine its device that leads out, and starts the
// process at its other end.
func (m *Machine) openWayOut(ns *os.File) error {
	device, err := m.newTap(ns)
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
		return fmt.Errorf("leading the machine's packets to its way out: %w", err)
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
	return nil
}

// newTap makes the device in the machine's network. It is there as long as its
// file is open.
func (m *Machine) newTap(ns *os.File) (*os.File, error) {
	type made struct {
		file *os.File
		err  error
	}
	done := make(chan made, 1)
	go func() {
		// The thread is in the machine's network from here on, and ends with this
		// goroutine.
		runtime.LockOSThread()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- made{nil, fmt.Errorf("entering the machine's network: %w", err)}
			return
		}
		// The machine has the device's file, where the host may have none.
		f, err := os.OpenFile(filepath.Join(m.Root(), "dev/net/tun"), os.O_RDWR, 0)
		if err != nil {
			done <- made{nil, err}
			return
		}
		request, err := unix.NewIfreq(outName)
		if err == nil {
			request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(int(f.Fd()), unix.TUNSETIFF, request)
		}
		done <- made{f, err}
	}()
	d := <-done
	return d.file, d.err
}

// closeWayOut ends the process. The device goes with it.
func (m *Machine) closeWayOut() {
	if m.leader != nil {
		_ = m.leader.Process.Kill() // it may have ended
		<-m.wayOut
	}
}

// writeClientConfig puts the user's logins where clients inside find them.
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
