# SPDX-License-Identifier: Apache-2.0
"""The rows of ARCHITECTURE.md's table of limits say what the code says: its constants, and defaults of baileyd.yaml.

A row that is not listed here is told of, and does not fail: add it with what holds it.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# the row's first words: what must stand in it, as FILE:CONSTANT or the key of baileyd.yaml with its default
ROWS = {
    "host API connections of one guest": ["host-api/hostapi.h:HOSTAPI_CONNS_MAX"],
    "host API requests of one guest": ["host_api.rate", "host_api.burst"],
    "notices kept of one guest while": [],
    "notices kept of one guest": ["events_max", "vmm/store/events.h:EVENT_BODY_MAX"],
    "a guest's request for its keys": ["guest-stub/request_keys.h:REQUEST_KEYS_MS", "guest-stub/keys_kms.h:KEYS_KMS_CONNECT_MS",
                                       "guest-stub/keys_kms.h:KEYS_KMS_CALL_MS", "guest-stub/kms_answer.h:KMS_ANSWER_MAX",
                                       "guest-stub/keys_seed.h:KEYS_SEED_HOST_MS", "guest-stub/keys_seed.h:KEYS_SEED_REPLY_MAX"],
    "an environment that was sealed": ["lib/data/env_plain.h:ENV_PLAIN_MAX", "lib/data/env_name.h:ENV_VARS_MAX"],
    "`GetSealingKey`": ["host-api/key_provider.h:KEY_PROVIDER_CALLS_MAX", "host-api/key_provider.h:KEY_PROVIDER_TIMEOUT_MS"],
    "`bailey-key-provider`": ["key-provider/server.h:SERVER_CONNS_MAX", "key-provider/server.h:SERVER_HELD_MAX",
                              "key-provider/judge.h:JUDGE_MOST", "key-provider/journal.h:JOURNAL_REFUSALS",
                              "lib/wire/key_frame.h:KEY_FRAME_MAX", "key-provider/server.h:SERVER_TIMEOUT_MS"],
    "`bailey-kms`": ["kms/server.c:BODY_MAX", "kms/server.c:BODIES_MAX", "kms/webhook.h:WEBHOOK_ANSWER_MAX",
                     "kms/collateral_shelf.h:COLLATERAL_SHELF_MAX", "kms/image_shelf.h:IMAGE_SHELF_MAX"],
    "audit logs of `bailey-kms`": ["kms/audit_log.h:AUDIT_LOG_REFUSED_MAX", "kms/audit_log.h:AUDIT_LOG_REFUSALS"],
    "console of one guest": ["limits.log", "vmm/daemon/log_index.h:LOG_KEPT_MAX", "vmm/daemon/log_keeper.h:LOG_KEEPER_SOON_MS"],
    "the state folder's disk": ["vmm/daemon/disk_guard.h:DISK_GUARD_START"],
    "followers of logs and of events": ["vmm/daemon/logs.h:LOGS_STREAMS_MAX", "vmm/daemon/logs.h:LOGS_QUEUE_MAX",
                                        "vmm/daemon/api_events.h:EVENTS_WATCHERS_MAX", "vmm/daemon/api_events.h:EVENTS_QUEUE_MAX"],
    "lines of a log": ["vmm/daemon/log_reader.h:LOG_SEARCH_MAX"],
    "events of all VMs": ["vmm/daemon/feed.h:FEED_LINES", "vmm/daemon/feed.h:FEED_BYTES"],
    "a guest's answer to a proxied call": ["vmm/daemon/guest_proxy.h:GUEST_PROXY_CALLS_MAX"],
    "`bailey-vsock` streams": ["host-api/vsock/device.h:DEVICE_STREAMS"],
    "YAML that is checked": ["vmm/daemon/console_compile.h:CONSOLE_COMPILE_MAX",
                             "vmm/daemon/console_compile.h:CONSOLE_COMPILES_MAX", "lib/data/faults.h:FAULTS_MAX"],
    "log lines and events in the console's page": [],
    "operator's request body": ["limits.body"],
    "audit log": ["vmm/daemon/audit.h:AUDIT_MAX", "vmm/daemon/audit.h:AUDIT_REFUSALS"],
    "claims in the host's registry": ["vmm/daemon/host_registry.h:HOST_REGISTRY_DAEMONS", "vmm/store/claims.h:CLAIMS_MAX"],
    "figures of `/metrics`": ["vmm/daemon/counts.h:COUNTS_MAX", "vmm/daemon/api_metrics.h:METRICS_VMS",
                              "vmm/daemon/api_metrics.c:METRICS_BYTES"],
    "configurations that `Status` answers": ["vmm/daemon/vm_texts.h:VM_TEXTS_KEPT"],
    "TLS clients": ["lib/loop/tls_front.c:CONNS_MAX", "lib/loop/tls_front.c:HANDSHAKE_MS", "lib/crypto/tls.h:TLS_CERTS_MAX",
                    "lib/loop/tls_front_parts.h:TLS_FLOW_SIZE", "lib/loop/tls_conn.c:PAIR_BUFFER"],
    "a request for a certificate": ["lib/tee/csr.h:CSR_ALT_NAMES_MAX", "lib/tee/csr.h:CSR_ALT_NAME_MAX",
                                    "lib/tee/app_info.h:APP_INFO_SIZE_MAX", "lib/crypto/ratls.h:RATLS_EVENT_LOG_MAX"],
    "API connections": [],
    "bodies of API requests on TCP": [],
    "wrong tokens and passwords": ["vmm/daemon/api_auth.h:AUTH_BURST"],
    "passwords being checked": ["vmm/daemon/api_auth.h:AUTH_AT_ONCE", "vmm/daemon/api_auth.h:AUTH_WAITING"],
    "VMs of one host": ["limits.vms"],
    "gateways of one host": ["vmm/daemon/gateways.h:GATEWAYS_ADDRESSES_MAX", "vmm/daemon/compose.h:COMPOSE_GATEWAY_PORTS_MAX",
                             "lib/data/sys_config.h:SYS_CONFIG_URLS_MAX"],
    "GPUs and bridges": ["vmm/domain/domain_xml.h:DOMAIN_GPUS_MAX", "vmm/domain/domain_xml.h:DOMAIN_NODES_MAX"],
    "quotes in a guest": [],
    "who has said nothing": ["guest-stub/port.h:PORT_WAITING_MAX", "guest-stub/port.h:PORT_FIRST_BYTE_MS", "guest-stub/agent.h:AGENT_IP_TLS"],
    "what the agent signs": ["guest-stub/cert_client.h:CERT_CLIENT_MAX", "guest-stub/emitting.h:EMITTING_WAIT_MAX",
                             "guest-stub/emitting.h:EMITTING_PAYLOAD_MAX", "guest-stub/emitting.h:EMITTING_EVENTS_MAX",
                             "guest-stub/emitting.h:EMITTING_LOG_MAX"],
    "an app's keys": ["lib/data/app_keys_file.h:APP_KEYS_FILE_MAX", "lib/data/app_keys_file.h:APP_KEYS_FILE_TEXT_MAX",
                      "lib/crypto/env_box.h:ENV_BOX_MAX"],
    "`GetAppEnvEncryptPubKey`": ["vmm/daemon/app_key.h:APP_KEY_CALLS_MAX", "vmm/daemon/app_key.h:APP_KEY_URLS_MAX",
                                 "vmm/daemon/app_key.h:APP_KEY_TRY_MS", "vmm/daemon/app_key.h:APP_KEY_ALL_MS",
                                 "vmm/daemon/app_key.h:APP_KEY_REPLY_MAX"],
    "an environment to be sealed": ["lib/data/env_text.h:ENV_TEXT_MAX", "lib/data/env_name.h:ENV_VARS_MAX",
                                    "lib/data/env_name.h:ENV_TOTAL_MAX", "vmm/app/app_yaml.h:APP_SEALED_MAX"],
    "a data disk's header": ["lib/data/luks2_json.h:LUKS2_DATA_OFFSET", "lib/wire/luks2.h:LUKS2_SIZE_MIN",
                             "lib/wire/luks2.h:LUKS2_SIZE_MAX", "lib/data/luks2_json.h:LUKS2_JSON_MAX"],
    "an attestation": [],
    "ACPI tables": [],
    "`bailey verify`": ["lib/tee/collateral.h:COLLATERAL_MAX", "lib/data/json.h:JSON_DEPTH_MAX", "lib/data/json.h:JSON_ITEMS_MAX"],
    "`bailey measure`": [],
    "what is known of certificates": [],
    "pulls of images": ["registry.max_size", "registry.timeout", "vmm/store/image_unpack.h:IMAGE_UNPACK_FILES_MAX",
                        "vmm/store/registry.h:REGISTRY_LAYERS_MAX"],
    "a client of the gateway before": ["lib/wire/client_hello.h:CLIENT_HELLO_MAX", "lib/wire/client_hello.h:CLIENT_HELLO_STREAM_MAX",
                                       "lib/wire/proxy_header.h:PROXY_HEADER_MAX"],
    "connections of the gateway": ["gateway/chunk.h:CHUNK_LARGE", "gateway/pipes.h:PIPE_SIZE"],
    "custom domains of the gateway": ["gateway/resolver.h:RESOLVER_CACHE", "gateway/resolver.h:RESOLVER_ASKING_OF",
                                      "gateway/resolver.h:RESOLVER_WAITING"],
    "what proves a gateway's keys": ["gateway/attested.h:ATTESTED_MAX", "gateway/attested.h:ATTESTED_FILE_MAX",
                                     "gateway/attested.h:ATTESTED_INFO_MAX",
                                     "lib/rpc/agent_client.h:AGENT_CLIENT_ANSWER_MAX"],
    "pages of the gateway": ["gateway/pages.h:PAGES_HEAD_MAX"],
    "access log of the gateway": ["gateway/access_log.h:ACCESS_LINE_MAX", "gateway/access_log.h:ACCESS_BUFFER"],
    "port policies that are asked for": ["gateway/policy_fetch.h:POLICY_FETCH_MOST", "gateway/policy_fetch.h:POLICY_FETCH_MS"],
    "what a gateway may tell a guest": ["guest-stub/gateway_answer.h:GATEWAY_ANSWER_MAX", "guest-stub/gateway_answer.h:GATEWAY_SERVERS_MAX",
                                        "guest-stub/gateway_pace.h:GATEWAY_PAUSE_MS", "guest-stub/gateway_pace.h:GATEWAY_PAUSE_MAX_MS",
                                        "guest-stub/gateway_client.h:GATEWAY_CLIENT_MS"],
    "operators of the gateway": ["gateway/admin_rpc.h:ADMIN_RPC_CONNS", "gateway/admin_rpc.h:ADMIN_RPC_IP_CONNS",
                                 "gateway/admin_rpc.h:ADMIN_RPC_BODY_MAX", "gateway/admin_rpc.h:ADMIN_RPC_TRIES",
                                 "gateway/overrides.h:OVERRIDES_MAX"],
    "ages of tunnels": ["gateway/tunnels.h:TUNNELS_ASK_MS", "gateway/tunnels.h:TUNNELS_HURRIED_MS",
                        "gateway/tunnels.h:TUNNELS_HURRY_MS", "gateway/tunnels.h:TUNNELS_TEXT_MAX"],
    "registrations at the gateway": ["gateway/registry.h:REGISTRY_MAX", "gateway/register.h:REGISTER_CONNS",
                                     "gateway/register.h:REGISTER_IP_CONNS", "gateway/register.h:REGISTER_BODY_MAX"],
    "disk of the state folder": ["limits.disk_free"],
}


def read(path):
    with open(f"{ROOT}/{path}", encoding="utf-8") as f:
        return f.read()


def constant(path, name, depth=4):
    m = re.search(rf"\b{name}\s*=\s*([^,}}/]+(?:/\*.*?\*/)?)", read(path))
    assert m, f"{path} has no constant {name}"
    text = re.sub(r"/\*.*?\*/", "", m[1]).strip()
    for other in set(re.findall(r"[A-Z][A-Z_]+", text)):
        assert depth, text
        text = text.replace(other, str(constant(path, other, depth - 1)))
    assert re.fullmatch(r"[0-9xa-fA-F *+()<-]+", text), (name, text)
    return eval(text)  # noqa: S307: digits and operators only


def default(key):
    """Of baileyd.yaml, as its documented example file has it."""
    *above, last = key.split(".")
    text, indent = read("configs/baileyd.yaml"), ""
    for part in above:
        text = text[re.search(rf"^{indent}{part}:", text, re.M).end():]
        indent += "  "
    return re.search(rf"^{indent}{last}: (\S+)$", text, re.M)[1]


def forms(value):
    """The ways in which a row may write a number, or a value of the configuration."""
    if isinstance(value, str):
        m = re.fullmatch(r"(\d+)([KMGT]?|ms|s|m|h)", value)
        units = {"K": "KiB", "M": "MiB", "G": "GiB", "T": "TiB"}
        return {value, f"{m[1]} {units.get(m[2], m[2])}"} if m else {value}
    out = {str(value)}
    for bits, unit in ((10, "KiB"), (20, "MiB"), (30, "GiB")):
        if value % (1 << bits) == 0:
            out.add(f"{value >> bits} {unit}")
    return out | ({f"{value // 1000} s", f"{value} ms"} if value % 250 == 0 else set())


def main():
    text = read("ARCHITECTURE.md")
    table = text[text.index("## Limits, multiplied out"):text.index("## Where the code differs")]
    rows = [line[2:] for line in table.splitlines() if line.startswith("| ")][1:]
    wrong, seen, held = [], set(), 0
    for row in rows:
        name = max((n for n in ROWS if row.startswith(n)), key=len, default=None)
        if name is None:
            print(f"not held to the code, as this test does not know it: {row}")
            continue
        seen.add(name)
        for what in ROWS[name]:
            path, _, const = what.partition(":")
            value = constant(path, const) if const else default(what)
            held += 1
            if not any(re.search(rf"(?<![\d.]){re.escape(f)}(?![\d.]\d)", row) for f in forms(value)):
                wrong.append(f"{what} is {value}; the row does not say so: {row}")
    wrong += [f"no row for {name}" for name in set(ROWS) - seen]
    for w in wrong:
        print(w)
    print(f"{len(rows)} rows, {held} figures held to the code")
    return 1 if wrong else 0


sys.exit(main())
