package isolated

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// reservation is a link's addresses, kept from other runs on this host by a
// name that only one process can have and that goes with the process.
type reservation struct {
	link
	name net.Listener
}

// reserveLink picks a network that neither the host nor another run uses.
func reserveLink() (*reservation, error) {
	taken, mtu, err := routes()
	if err != nil {
		return nil, err
	}
	for n := range links - 1 {
		l := newLink(n, mtu)
		if overlaps(l.network, taken) {
			continue
		}
		name, err := net.Listen("unix", "@stratbench/link/"+l.network.Addr().String())
		if err == nil {
			return &reservation{l, name}, nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("reserving the network %s: %w", l.network, err)
		}
	}
	return nil, fmt.Errorf("reserving a network for a machine: all of %s is in use on this host; remove the routes to it", bench)
}

// routes lists where the host's routes inside the block lead, and finds the
// MTU of its uplink.
func routes() (taken []netip.Prefix, mtu int, err error) {
	mtu = 1500
	all, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, 0, fmt.Errorf("listing the host's routes: %w", err)
	}
	for _, r := range all {
		p, ok := prefix(r.Dst)
		switch {
		case !ok || p.Bits() == 0:
			if up, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
				mtu = up.Attrs().MTU
			}
		case p.Overlaps(bench):
			taken = append(taken, p)
		}
	}
	return taken, mtu, nil
}

func prefix(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	a, ok := netip.AddrFromSlice(n.IP.To4())
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(a, bits), ok
}

func overlaps(p netip.Prefix, others []netip.Prefix) bool {
	for _, o := range others {
		if p.Overlaps(o) {
			return true
		}
	}
	return false
}

// linkName is the host's end for a machine. It is the shortest of names, as
// the kernel takes 15 letters.
func linkName(id string) string {
	h := fnv.New32a()
	h.Write([]byte(id))
	return "sb" + strconv.FormatUint(uint64(h.Sum32()), 36)
}

// connect lays the link to the machine's network namespace, where the far end
// is created, so that both ends go when the namespace does.
func (r *reservation) connect(id string, ns int) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = linkName(id), r.mtu
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns), PeerMTU: uint32(r.mtu)}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("making the network link %s: %w", attrs.Name, err)
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE) // not every kernel has the other protocols
	if err != nil {
		return fmt.Errorf("configuring the network link %s: %w", attrs.Name, err)
	}
	defer h.Close()
	if err := bringUp(h, attrs.Name, r.host); err != nil {
		return err
	}
	return r.configureMachine(ns)
}

func (r *reservation) configureMachine(ns int) error {
	inside, err := netlink.NewHandleAt(netns.NsHandle(ns), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("reaching the machine's network: %w", err)
	}
	defer inside.Close()
	if err := bringUp(inside, "lo", netip.Addr{}); err != nil {
		return err
	}
	return bringUp(inside, "eth0", r.machine)
}

func bringUp(h *netlink.Handle, name string, addr netip.Addr) error {
	l, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("finding the network link %s: %w", name, err)
	}
	if addr.IsValid() {
		if err := h.AddrAdd(l, &netlink.Addr{IPNet: ipNet(addr)}); err != nil {
			return fmt.Errorf("giving the network link %s the address %s: %w", name, addr, err)
		}
	}
	if err := h.LinkSetUp(l); err != nil {
		return fmt.Errorf("bringing the network link %s up: %w", name, err)
	}
	return nil
}

// cut removes the link at once, where the kernel would take its time, and
// gives the addresses back.
func (r *reservation) cut(id string) error {
	defer r.name.Close()
	l, err := netlink.LinkByName(linkName(id))
	var gone netlink.LinkNotFoundError
	if errors.As(err, &gone) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(l)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("removing the network link %s: %w", linkName(id), err)
	}
	return nil
}
