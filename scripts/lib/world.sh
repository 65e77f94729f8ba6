# SPDX-License-Identifier: Apache-2.0
# world: what quickstart writes for its guests: the host's services, the allow-list, the YAML of KMS, gateway and app
# shellcheck shell=bash
#
# Where there is no TDX, guests have a simulated one: their quotes are under a root that is made of a seed, and the KMS
# and the key provider are told to believe it.  It proves nothing, but all goes the way it would.
#
# state   the folder that all of it is in; tee: tdx or simulated

# A port of this host under a name of ours: the first time one that is free, then always the same, as guests measure it.
port_of() { # name [first choice]
	local file=$state/ports/$1 port=${2:-}
	if [ ! -e "$file" ]; then
		mkdir -p "$state/ports"
		while ! port_is_ours_to_take "$port"; do port=$((port + 1)); done
		printf '%s\n' "$port" >"$file"
	fi
	cat "$file"
}

port_is_ours_to_take() {
	! port_is_taken "$1" && ! grep -qsx "$1" "$state"/ports/*
}

# QEMU is another user, and lower ports are not for everybody.
first_https_port() {
	local lowest
	lowest=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null) || lowest=1024
	if [ "$lowest" -le 443 ]; then echo 443; else echo 9443; fi
}

port_is_taken() {
	(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Aside, then in its place, and only if it is another: returns whether it was.
put() { # file mode
	(umask 077 && cat >"$1.new")
	chmod "$2" "$1.new"
	if cmp -s "$1.new" "$1"; then
		rm "$1.new"
		return 1
	fi
	mv "$1.new" "$1"
}

# TDs need more than this CPU: a kernel of the host's that starts them, QEMU, quotes, and a guest kernel that can be one.
host_has_tdx() {
	local rows
	rows=$("$BIN/bailey" check --json 2>/dev/null </dev/null) || true
	jq -e '[.rows[] | select(.name | IN("cpu.tdx", "kernel.tdx", "qemu.tdx", "qgs")) | .state == "ok"] |
		length == 4 and all' >/dev/null 2>&1 <<<"$rows"
}

choose_tee() {
	tee=simulated
	if ! host_has_tdx; then
		say '    no TDX here: guests get a simulated one, which the host can look into and which proves nothing'
	elif [ -z "$kernel" ]; then
		say '    this host has TDX, but the kernel of Debian 12 cannot be a TD: simulated, too;' \
			'with --kernel FILE.deb, a newer one, guests are TDs'
	else
		tee=tdx
	fi
}

### the host's services

write_host_config() {
	local provider_port pccs_port
	[ "$tee" = tdx ] || make_seed
	provider_port=$(port_of provider 3443)
	pccs_port=$(port_of simulator 18081)
	pccs=http://127.0.0.1:$pccs_port
	kms_port=$(port_of kms 8443)
	kms=https://127.0.0.1:$kms_port
	https_port=$(port_of https "$(first_https_port)")
	{
		printf 'state: %s\nrun: %s\n' "$state" "$run"
		printf 'kms_urls: [ "https://10.0.2.2:%s" ]\n' "$kms_port"
		printf 'key_provider: { enabled: true, address: "127.0.0.1:%s" }\n' "$provider_port"
		[ "$tee" = tdx ] || printf 'tee_simulator: { seed: "%s", collateral_url: "http://10.0.2.2:%s" }\n' \
			"$(cat "$state/seed")" "$pccs_port"
	} | put "$state/baileyd.yaml" 600 || true
	{
		printf 'listen: "127.0.0.1:%s"\nstate: %s/provider\nuser: root\n' "$provider_port" "$state"
		[ "$tee" = tdx ] || printf 'simulated_root: %s/root.pem\npccs: { url: "%s" }\n' "$state" "$pccs"
	} | put "$state/provider.yaml" 600 || true
}

make_seed() {
	[ -e "$state/seed" ] || openssl rand -hex 32 | put "$state/seed" 600
	[ -e "$state/root.pem" ] || "$BIN/bailey-simulator" root --seed "$state/seed" | put "$state/root.pem" 644
}

provider_id() {
	"$BIN/bailey-key-provider" --config "$state/provider.yaml" id
}

### who may have keys

sign_key() {
	[ -e "$state/allow.key" ] ||
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null | put "$state/allow.key" 600
}

# The list on standard input; ECDSA signs anew each time, so only one that changed is signed.
sign_allowed() {
	put "$state/allow.yaml" 644 || [ ! -s "$state/allow.signed.yaml" ] || return 0
	{
		cat "$state/allow.yaml"
		printf '# signed: %s\n' \
			"$(openssl dgst -sha256 -sign "$state/allow.key" "$state/allow.yaml" | base64 -w 0)"
	} | put "$state/allow.signed.yaml" 644 || true
}

signer() {
	openssl pkey -in "$state/allow.key" -pubout -outform DER | od -An -v -tx1 | tr -d ' \n'
}

# The images, and each app whose file is there.
allowed() {
	local app hash
	printf 'os_images:\n'
	sed 's/^/  - /' "$state"/image/bailey*/digest.txt
	[ -e "$state/gateway.yaml" ] || return 0
	printf 'gateway_app_id: %s\napps:\n' "$(app_id_of gateway)"
	for app in gateway hello; do
		hash=$(compose_hash_of "$app")
		printf '  - { id: %s, compose_hashes: [ %s ] }\n' "${hash:0:40}" "$hash"
	done
}

compose_hash_of() {
	bailey compose hash --json "$state/$1.yaml" | jq -er .compose_hash
}

app_id_of() {
	bailey compose hash --json "$state/$1.yaml" | jq -er .app_id
}

### the apps

image_name() { # bailey | bailey-kms | bailey-gateway
	basename "$(find "$state/image" -maxdepth 1 -name "$1-[0-9]*" | head -n 1)"
}

# configs/kms.yaml as its operator completes it; a KMS of simulated guests is told what root to believe, too.
write_kms() {
	awk -v tee="$tee" -v port="$kms_port" -v provider="$1" -v signer="$2" -v pccs="${pccs/127.0.0.1/10.0.2.2}" \
		-v root="$state/root.pem" '
		function believe(line) {
			print "    cat > /run/bailey-kms/root.pem <<ROOT"
			while ((getline line < root) > 0) print "    " line
			print "    ROOT"
		}
		{ sub("127\\.0\\.0\\.1:8443\"", "127.0.0.1:" port "\"") }
		/^name: / { print; print "tee: " tee; next }
		/^#key_provider_id: / { print "key_provider_id: \"" provider "\""; next }
		/^ *signer=""/ { sub("\"\"", "\"" signer "\"") }
		tee == "simulated" && /cat > .*config\.yaml/ { believe() }
		tee == "simulated" && /^ *CONFIG$/ {
			print "    quotes: { simulated_roots: [ { root: /run/bailey-kms/root.pem, pccs: \"" pccs "\" } ] }"
		}
		{ print }' configs/kms.yaml | put "$state/kms.yaml" 644
}

# configs/gateway.yaml with our ports, which guests are told, too.
write_gateway() { # pins
	{
		awk -v tee="$tee" -v https="$https_port" -v wg="$(port_of wireguard 51820)" \
			-v rpc="$(port_of gateway 9012)" -v admin="$(port_of gateway-admin 9013)" '
			{
				sub("\"127\\.0\\.0\\.1:443\"", "\"127.0.0.1:" https "\"")
				sub("0\\.0\\.1:51820\"", "0.0.1:" wg "\"")
				sub("10\\.0\\.2\\.2:51820\"", "10.0.2.2:" wg "\"")
				sub(":9012\"", ":" rpc "\"")
				sub(":9013\"", ":" admin "\"")
				sub("^  port: 443$", "  port: " https)
			}
			/^name: gateway/ { print; print "tee: " tee; next }
			{ print }
			/^ *registration:/ { print "      external_port: " https }' configs/gateway.yaml
		printf '\n%s\n' "$1"
	} | put "$state/gateway.yaml" 644
}

domain() {
	sed -n 's/^  domain: *//p' "$state/gateway.yaml"
}

# configs/apps/hello.yaml behind the gateway: no port of this host is its, and it has its keys from our KMS.
write_hello() { # pins, but for those of secrets, which it has none of
	{
		awk -v tee="$tee" -v image="$(image_name bailey)" '
			/^ports:/ { skip = 1; next }
			skip && /^( |$)/ { next }
			{ skip = 0 }
			/^name: / { print; print "image: " image; next }
			/^tee: / { print "tee: " tee; next }
			/^  memory: / { print "  memory: 2G # what machines of 2G measure, a KMS can tell without the files of the image"; next }
			/^app:/ { print "gateway: true\n" }
			{ print }' configs/apps/hello.yaml
		printf '\n'
		grep -v '^kms_signer:' <<<"$1"
	} | put "$state/hello.yaml" 644
}
