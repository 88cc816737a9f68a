package enginetest

import (
	"context"
	"crypto/ed25519"
	"io"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSHServer is the ssh server of an engine's host. It lets every client in.
type SSHServer struct {
	// Dial connects to an address of the engine's host, and Start starts a command there.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Start func(*exec.Cmd) error
	// ForwardsNothing has it refuse to forward ports, as AllowTcpForwarding no does.
	ForwardsNothing bool

	commands sync.WaitGroup
	mu       sync.Mutex
	open     []net.Conn
}

// Serve serves at a port of an address of this host until the test ends, and returns both.
func (s *SSHServer) Serve(t *testing.T, host string) (address string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	must(t, err)
	t.Cleanup(func() {
		l.Close()
		s.Cut()
		s.commands.Wait()
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn, config)
		}
	}()
	return l.Addr().String()
}

// Cut ends every connection, as a network that breaks for a moment. Others can be made.
func (s *SSHServer) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.open {
		conn.Close()
	}
	s.open = nil
}

func (s *SSHServer) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	s.mu.Lock()
	s.open = append(s.open, conn)
	s.mu.Unlock()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		go s.channel(c)
	}
}

func (s *SSHServer) channel(c ssh.NewChannel) {
	var tcp struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	var unix struct {
		Path, Reserved string
		ReservedToo    uint32
	}
	switch kind := c.ChannelType(); {
	case kind == "session":
		s.session(c)
	case kind == "direct-tcpip" && !s.ForwardsNothing && ssh.Unmarshal(c.ExtraData(), &tcp) == nil:
		s.forward(c, "tcp", net.JoinHostPort(tcp.Host, strconv.Itoa(int(tcp.Port))))
	case kind == "direct-streamlocal@openssh.com" && ssh.Unmarshal(c.ExtraData(), &unix) == nil:
		s.forward(c, "unix", unix.Path)
	default:
		c.Reject(ssh.Prohibited, "open failed")
	}
}

func (s *SSHServer) forward(c ssh.NewChannel, network, address string) {
	conn, err := s.Dial(context.Background(), network, address)
	if err != nil {
		c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer conn.Close()
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	go ssh.DiscardRequests(requests)
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(channel, conn)
		channel.CloseWrite()
	})
	both.Go(func() {
		io.Copy(conn, channel)
		if half, is := conn.(interface{ CloseWrite() error }); is {
			half.CloseWrite()
		}
	})
	both.Wait()
}

// session runs the command that the client asks for.
func (s *SSHServer) session(c ssh.NewChannel) {
	s.commands.Add(1)
	defer s.commands.Done()
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	for r := range requests {
		var asked struct{ Command string }
		if r.Type != "exec" || ssh.Unmarshal(r.Payload, &asked) != nil {
			r.Reply(false, nil)
			continue
		}
		cmd := exec.Command("/bin/sh", "-c", "exec "+asked.Command)
		cmd.Stdout, cmd.Stderr, cmd.WaitDelay = channel, channel.Stderr(), 5*time.Second
		in, err := cmd.StdinPipe()
		if err == nil {
			err = s.Start(cmd)
		}
		r.Reply(err == nil, nil)
		if err != nil {
			return
		}
		go func() {
			io.Copy(in, channel)
			in.Close()
		}()
		go func() {
			ssh.DiscardRequests(requests) // until the client closes the session
			cmd.Process.Kill()
		}()
		cmd.Wait()
		channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(cmd.ProcessState.ExitCode())}))
		return
	}
}
