package lab

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// VM is a separate host for tests: a kernel that runs as a program (user-mode Linux), with
// only version 2 of the control groups, and a disk with a Debian system that systemd starts.
// It needs no virtualisation and no module of this host's kernel.
type VM struct {
	kernel, disk string
}

//go:embed vm/kernel.config vm/kernel.sh vm/job.sh vm/job.service
var vmFiles embed.FS

// vmKernelSuite is the suite with the kernel's sources. User-mode kernels before 6.16 enter
// the host's kernel several times for each system call of a program.
const vmKernelSuite = "forky"

var vmKernelPackages = []string{
	"linux-source", "gcc", "libc6-dev", "make", "flex", "bison", "bc", "xz-utils", "perl", "python3-minimal", "cpio", "rsync", "kmod", "diffutils",
}

const vmSuite = "trixie"

var vmPackages = []string{
	"systemd", "systemd-sysv", "udev", "dbus", "iproute2", "btrfs-progs", "kmod", "procps", "ca-certificates",
	// What an ordinary user needs for rootless engines, and a program to put into images.
	"libpam-systemd", "dbus-user-session", "uidmap", "iptables", "nftables",
	"podman", "crun", "netavark", "aardvark-dns", "catatonit", "passt",
	"docker.io", "docker-cli", "rootlesskit", "slirp4netns",
	"busybox-static",
}

// vmDisk is the apparent size of the disk, which takes only the space of its contents.
const vmDisk = "40G"

// BuildVM returns the VM, after building what the cache lacks. It installs the Debian packages
// that this host lacks. The kernel takes ten minutes on two cores.
func BuildVM(ctx context.Context, o Options) (*VM, error) {
	c, err := o.cache()
	if err != nil {
		return nil, err
	}
	kernel, disk := vmKernelArtifact(), vmDiskArtifact()
	vm := &VM{kernel: filepath.Join(c.path(kernel), "linux"), disk: filepath.Join(c.path(disk), "root.img")}
	if c.holds([]artifact{kernel, disk}) {
		return vm, nil
	}
	if err := install(ctx, c.log, append(slices.Clone(toBuild), requirement{"mke2fs", "e2fsprogs"})); err != nil {
		return nil, err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, a := range []artifact{disk, kernel} {
		if err := c.ensure(ctx, a); err != nil {
			return nil, err
		}
	}
	return vm, nil
}

func vmKernelArtifact() artifact {
	return artifact{
		name: "vm-kernel",
		key:  key(slices.Concat([]string{vmKernelSuite}, vmKernelPackages, vmFile("kernel.config"), vmFile("kernel.sh"))...),
		build: func(ctx context.Context, dir string) error {
			builder := filepath.Join(dir, "builder")
			root := debianRoot{suite: vmKernelSuite, variant: "minbase", packages: vmKernelPackages}
			if err := root.make(ctx, builder); err != nil {
				return err
			}
			if err := stage(builder, map[string][]byte{"kernel.config": []byte(vmFile("kernel.config")[0])}); err != nil {
				return err
			}
			cmd := isolated(ctx, "chroot", builder, "/bin/sh", "-c", vmFile("kernel.sh")[0])
			cmd.Env = []string{searchPath, "LC_ALL=C.UTF-8", fmt.Sprintf("JOBS=%d", runtime.NumCPU()+1)}
			if _, err := output(cmd); err != nil {
				return fmt.Errorf("compiling a user-mode kernel: %w", err)
			}
			if err := os.Rename(filepath.Join(builder, "build/linux"), filepath.Join(dir, "linux")); err != nil {
				return err
			}
			return os.RemoveAll(builder)
		},
	}
}

// vmFile returns the text of a file, as a part of a key.
func vmFile(name string) []string {
	data, err := vmFiles.ReadFile("vm/" + name)
	if err != nil {
		panic(fmt.Sprintf("lab: embedded file: %v", err))
	}
	return []string{string(data)}
}

// vmHooks complete the system on a VM's disk: it starts the host's job, and nothing that would
// disturb it, such as root's own engines.
var vmHooks = []string{
	`echo stratbench-vm >"$1/etc/hostname"`,
	`echo "127.0.0.1 localhost stratbench-vm" >"$1/etc/hosts"`,
	`echo "/dev/ubda / ext4 rw,noatime 0 1" >"$1/etc/fstab"`,
	`chroot "$1" systemctl enable --quiet job.service`,
	`chroot "$1" systemctl mask --quiet getty.target apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer`,
	`chroot "$1" systemctl mask --quiet docker.service docker.socket containerd.service podman.service podman.socket podman-auto-update.timer podman-restart.service`,
}

func vmDiskArtifact() artifact {
	return artifact{
		name: "vm-disk",
		key:  key(slices.Concat([]string{vmSuite, vmDisk}, vmPackages, vmHooks, lean, vmFile("job.sh"), vmFile("job.service"))...),
		build: func(ctx context.Context, dir string) error {
			staged, system := filepath.Join(dir, "staged"), filepath.Join(dir, "system")
			err := stage(staged, map[string][]byte{
				"usr/local/sbin/job.sh":          []byte(vmFile("job.sh")[0]),
				"etc/systemd/system/job.service": []byte(vmFile("job.service")[0]),
			})
			if err != nil {
				return err
			}
			root := debianRoot{suite: vmSuite, variant: "minbase", packages: vmPackages,
				hooks: append([]string{"sync-in '" + staged + "' /"}, vmHooks...)}
			if err := root.make(ctx, system); err != nil {
				return err
			}
			image := filepath.Join(dir, "root.img")
			if _, err := output(command(ctx, "mke2fs", "-q", "-t", "ext4", "-d", system, image, vmDisk)); err != nil {
				return fmt.Errorf("making the disk of a VM: %w", err)
			}
			for _, d := range []string{staged, system} {
				if err := os.RemoveAll(d); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// Run starts a VM with that much memory on a disk of its own in dir, lets it run the script
// "job" in dir, which it sees as /host, and returns the script's exit code. The script's output
// goes to out, that of the kernel and systemd to console. The VM can mount any folder of this
// machine with the file system type hostfs.
func (vm *VM) Run(ctx context.Context, dir, memory string, out, console io.Writer) (int, error) {
	disk := filepath.Join(dir, "root.img")
	if _, err := output(command(ctx, "cp", "--sparse=always", vm.disk, disk)); err != nil {
		return 0, fmt.Errorf("copying the VM's disk: %w", err)
	}
	defer os.Remove(disk)
	cmd := isolated(ctx, vm.kernel,
		"mem="+memory, fmt.Sprintf("ncpus=%d", runtime.NumCPU()), "seccomp=auto",
		"ubd0="+disk, "root=/dev/ubda", "rw", "uml_dir="+dir+"/", "stratbench.share="+dir,
		"con=null", "con0=null,fd:2", "ssl=null", "ssl0=null,fd:1", "systemd.show_status=no", "loglevel=4")
	cmd.Stdout, cmd.Stderr = out, console
	if err := cmd.Run(); err != nil && ctx.Err() != nil {
		return 0, fmt.Errorf("running the VM: %w", context.Cause(ctx))
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return 0, fmt.Errorf("the VM ended before its job: %w", err)
	}
	var code int
	if _, err := fmt.Sscan(strings.TrimSpace(string(status)), &code); err != nil {
		return 0, fmt.Errorf("reading the exit code of the VM's job: %w", err)
	}
	return code, nil
}
