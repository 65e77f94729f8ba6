#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# udhcpc: put what the DHCP server said on $interface
#
# udhcpc gives its answer as environment variables and the event as $1.

nameservers() {
	[ -n "$domain" ] && echo "search $domain"
	for server in $dns; do
		echo "nameserver $server"
	done
}

case "$1" in
deconfig)
	ip link set "$interface" up
	ip -4 addr flush dev "$interface"
	;;
bound | renew)
	ip -4 addr flush dev "$interface"
	ip addr add "$ip/${mask:-24}" dev "$interface"
	for gateway in $router; do
		ip route replace default via "$gateway" dev "$interface"
		break
	done
	nameservers >/etc/resolv.conf.new && mv /etc/resolv.conf.new /etc/resolv.conf
	;;
esac
