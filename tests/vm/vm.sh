#!/bin/bash
# A virtual machine with what this machine may lack: Debian's own kernel, cgroup v2 with
# all controllers, systemd as process 1. Under software emulation it boots in some twenty
# seconds.
#
#	tests/vm/vm.sh image              makes the kernel and the disk (kept, see below)
#	tests/vm/vm.sh run FILE.tar       boots; unpacks the tar at /work in the guest and
#	                                  runs /work/guest there as root
#
# What /work/guest prints is printed here, and its status is ours. The image is kept in
# $MOCKER_VM_DIR (build directory/vm) for the next run; remove the directory to make it
# anew. $MOCKER_VM_LIMIT is the seconds that a run may take (900).
set -eu -o pipefail

here=$(realpath "$(dirname "$0")")
vm=${MOCKER_VM_DIR:-$PWD/vm}
packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,jq,procps,iproute2,iputils-ping
packages+=,python3-minimal,busybox-static,util-linux,kmod,nftables,curl,runc,crun,criu,uidmap,xz-utils,bsdextrautils
packages+=,apparmor,iptables,libyajl2,libseccomp2,libnl-3-200,libnftables1,libarchive13
packages+=,libcurl4,libssl3,libsystemd0
packages+=,secilc,podman,netavark

die() {
	echo "vm.sh: $*" >&2
	exit 1
}

# ---- the image ----------------------------------------------------------------------

# A change of this part of this file makes another image.
stamp() {
	sed '/^# ---- a run/,$d' "$here/vm.sh" | sha256sum | cut -c1-16
}

make_image() {
	[ "$(cat "$vm/stamp" 2>/dev/null)" = "$(stamp)" ] && return
	[ "$(id -u)" = 0 ] || die "making the image needs root"
	rm -rf --one-file-system "$vm"
	mkdir -p "$vm"
	make_kernel
	make_root
	make_initramfs
	rm -rf --one-file-system "$vm/root" "$vm/kernel"
	stamp >"$vm/stamp"
}

make_kernel() {
	local package

	package=$(apt-cache depends linux-image-cloud-amd64 |
		sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[ -n "$package" ] || die "apt knows no linux-image-cloud-amd64; run apt-get update"
	(cd "$vm" && apt-get -o APT::Sandbox::User=root download "$package" >apt.log 2>&1) ||
		die "downloading $package failed, see $vm/apt.log"
	dpkg-deb -x "$vm"/linux-image-*.deb "$vm/kernel"
	rm "$vm"/linux-image-*.deb
	mv "$vm"/kernel/boot/vmlinuz-* "$vm/vmlinuz"
	version=$(basename "$vm"/kernel/lib/modules/*)
}

# From where this machine's own packages come, for its programs need its libraries.
make_root() {
	local codename mirror proxy=() Proxy=

	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' \
		"Codename: $codename" 'Component: main' | head -n 1)
	eval "$(apt-config shell Proxy Acquire::http::Proxy)"
	[ -z "$Proxy" ] || proxy=("--aptopt=Acquire::http::Proxy \"$Proxy\"")
	mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" \
		"${proxy[@]}" "$codename" "$vm/root" "${mirror:-http://deb.debian.org/debian}" \
		2>"$vm/mmdebstrap.log" ||
		die "mmdebstrap failed: $(tail -n 1 "$vm/mmdebstrap.log"); see $vm/mmdebstrap.log"
	cp -a "$vm/kernel/lib/modules" "$vm/root/lib/"
	chroot "$vm/root" depmod "$version" # kmod is in there, and perhaps not here
	settle_systemd
	mke2fs -q -t ext4 -O ^has_journal -d "$vm/root" "$vm/root.img" 2G
}

# Whatever costs time in the guest and serves nobody there is off.
settle_systemd() {
	local unit units=$vm/root/etc/systemd/system

	echo 0123456789abcdef0123456789abcdef >"$vm/root/etc/machine-id"
	echo guest >"$vm/root/etc/hostname"
	echo "/dev/vda / ext4 rw,noatime 0 0" >"$vm/root/etc/fstab"
	for unit in systemd-udevd systemd-udev-trigger systemd-udev-settle \
		systemd-journal-flush systemd-firstboot systemd-update-utmp \
		systemd-timesyncd systemd-networkd-wait-online systemd-random-seed \
		console-getty getty@tty1 serial-getty@ttyS0 e2scrub_reap \
		systemd-boot-system-token systemd-machine-id-commit ldconfig; do
		ln -sf /dev/null "$units/$unit.service"
	done
	for unit in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim \
		systemd-tmpfiles-clean; do
		ln -sf /dev/null "$units/$unit.timer"
	done
	cat >"$units/tests.service" <<-'END'
		[Unit]
		After=basic.target dbus.socket
		Wants=dbus.socket
		[Service]
		Type=oneshot
		ExecStart=/usr/local/sbin/run-tests
		StandardOutput=journal
		Delegate=yes
		[Install]
		WantedBy=multi-user.target
	END
	mkdir -p "$units/multi-user.target.wants" "$vm/root/usr/local/sbin"
	ln -sf ../tests.service "$units/multi-user.target.wants/tests.service"
	cat >"$vm/root/usr/local/sbin/run-tests" <<-'END'
		#!/bin/bash
		exec >/dev/ttyS0 2>&1 </dev/null
		stty -F /dev/ttyS0 -opost
		modprobe -a overlay bridge veth nf_tables 2>/dev/null
		mkdir -p /work && tar -C /work -xf /dev/vdb
		echo "=== guest begins"
		status=0
		cd /work && ./guest || status=$?
		echo "=== guest ends with $status"
		sync
		systemctl poweroff -ff
	END
	chmod +x "$vm/root/usr/local/sbin/run-tests"
}

# Debian's cloud kernel has the disk's driver as modules.
make_initramfs() {
	local root=$vm/initramfs modules=$vm/kernel/lib/modules/$version/kernel/drivers module

	mkdir -p "$root"/{bin,dev,proc,sys,root,modules}
	cp "$(command -v busybox)" "$root/bin/busybox"
	for module in virtio/virtio virtio/virtio_ring virtio/virtio_pci_modern_dev \
		virtio/virtio_pci_legacy_dev virtio/virtio_pci block/virtio_blk; do
		cp "$modules/$module.ko" "$root/modules/"
	done
	cat >"$root/init" <<-'END'
		#!/bin/busybox sh
		/bin/busybox mount -t devtmpfs none /dev
		for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev \
			virtio_pci virtio_blk; do
			/bin/busybox insmod /modules/$module.ko
		done
		for try in 1 2 3 4 5 6 7 8 9; do
			/bin/busybox mount -t ext4 -o noatime /dev/vda /root && break
			/bin/busybox sleep 1
		done 2>/dev/null
		/bin/busybox umount /dev
		exec /bin/busybox switch_root /root /sbin/init
	END
	chmod +x "$root/init"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$vm/initramfs.gz"
	rm -rf "$root"
}

# ---- a run --------------------------------------------------------------------------

# boot PAYLOAD CONSOLE: becomes the machine, whose serial console is the file. It ends with
# whoever began it, however that ends.
boot() {
	exec setpriv --pdeathsig TERM timeout -k 5 "${MOCKER_VM_LIMIT:-900}" \
		setpriv --pdeathsig KILL qemu-system-x86_64 -machine q35 \
		-accel tcg,thread=multi -cpu max -smp 2 -m 2048 -nodefaults -no-reboot \
		-display none -kernel "$vm/vmlinuz" -initrd "$vm/initramfs.gz" \
		-drive "file=$vm/root.img,if=virtio,format=raw,snapshot=on" \
		-drive "file=$1,if=virtio,format=raw,readonly=on" \
		-serial "file:$2" \
		-append "console=ttyS0 quiet transparent_hugepage=never panic=-1 tsc=reliable no_timer_check random.trust_cpu=on mitigations=off systemd.show_status=false systemd.unified_cgroup_hierarchy=1 ${MOCKER_VM_KERNEL_ARGUMENTS-}" \
		</dev/null >"$2.errors" 2>&1
}

# Within that time the guest has begun, or its emulated boot hangs, as one in a hundred
# does where two CPUs are emulated on a busy machine.
boots() {
	local pid=$1 console=$2 end=$((SECONDS + 400))

	until grep -q '^=== guest begins' "$console"; do
		kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ] || return 1
		sleep 0.5
	done
}

run_guest() {
	local payload=$1 console pid status try

	[ -r "$payload" ] || die "cannot read $payload"
	console=$(mktemp "$vm/console.XXXXXX")
	truncate -s %512 "$payload" # a disk is whole sectors
	for try in 1 2 3; do
		: >"$console"
		boot "$payload" "$console" &
		pid=$!
		# shellcheck disable=SC2064 # the names are local: gone when it runs
		trap "kill $pid 2>/dev/null || true; rm -f '$console' '$console.errors'" EXIT
		! boots $pid "$console" || break
		kill $pid 2>/dev/null || true
		wait $pid || true
		[ $try = 3 ] || echo "vm.sh: the guest did not boot; trying again" >&2
	done
	tail -n +1 -f --pid=$pid -s 0.3 "$console" 2>/dev/null |
		sed -u -n '/^=== guest begins/,/^=== guest ends/{/^=== guest/!p}'
	wait $pid || true
	status=$(sed -n 's/^=== guest ends with \([0-9]*\).*/\1/p' "$console" | tail -n 1)
	[ -n "$status" ] || {
		tail -n 20 "$console" "$console.errors" >&2
		die "the guest did not come to an end within ${MOCKER_VM_LIMIT:-900} seconds"
	}
	return "$status"
}

case ${1-} in
image)
	make_image
	;;
run)
	[ $# = 2 ] || die "usage: vm.sh run FILE.tar"
	make_image
	run_guest "$2"
	;;
*)
	die "usage: vm.sh image | run FILE.tar"
	;;
esac
