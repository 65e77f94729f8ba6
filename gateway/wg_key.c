/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wg_key.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/netif.h"
#include "base/num.h"
#include "base/own_file.h"
#include "base/secret.h"
#include "crypto/x25519.h"
#include "gateway/config.h"

enum { KEY_FILE_MAX = 256, TEXT_MAX = WG_KEY_TEXT + 2 };

/* wg genkey clears and sets the bits that X25519 ignores; so other programs need not. */
static void clamp(uint8_t key[static WG_KEY])
{
	key[0] &= 0xf8;
	key[WG_KEY - 1] = (key[WG_KEY - 1] & 0x7f) | 0x40;
}

static int make_folder_of(const char *path, struct err *e)
{
	auto_free char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');

	if (!slash || slash == folder)
		return 0;
	*slash = 0;
	return file_mkdir_all(folder, 0700, e);
}

static int make(const char *path, struct err *e)
{
	auto_secret struct secret32 key;
	auto_secret_buf struct buf text = BUF_MAX(0);
	int rc = secret_buf_init(&text, TEXT_MAX);

	secret_random(key.b, WG_KEY);
	clamp(key.b);
	if (!rc)
		rc = base64_encode(&text, key.b, WG_KEY);
	if (!rc)
		rc = buf_add_str(&text, "\n");
	if (rc)
		return err_set(e, rc, "no room for a key");
	rc = make_folder_of(path, e);
	if (!rc)
		rc = file_replace(AT_FDCWD, path, 0600, text.p, text.n, e);
	if (!rc)
		log_info("gateway: made a WireGuard key: %s", path);
	return rc;
}

static int read_key(const char *path, uint8_t ret[static WG_KEY], struct err *e)
{
	struct buf text = BUF_MAX(KEY_FILE_MAX);
	auto_secret struct secret32 key = { { 0 } };
	uint8_t room[WG_KEY_TEXT];
	int rc = own_file_read(path, KEY_FILE_MAX, &text, e);

	if (rc == 0 && text.n == WG_KEY_TEXT + 1 && text.p[WG_KEY_TEXT] == '\n')
		text.n--;
	if (rc == 0 &&
	    (text.n != WG_KEY_TEXT || base64_decode(room, (const char *)text.p, text.n) != WG_KEY))
		rc = err_set(e, ERR_INPUT, "'%s' is not a key as wg genkey writes it", path);
	if (rc == 0) {
		memcpy(key.b, room, WG_KEY);
		rc = x25519_public(&key, ret, e);
	}
	secret_wipe(room, sizeof(room));
	secret_buf_deinit(&text);
	return rc;
}

int wg_key_public(const char *path, uint8_t ret[static WG_KEY], struct err *e)
{
	int rc = faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT
			 ? make(path, e)
			 : 0;

	return rc ? rc : read_key(path, ret, e);
}

int wg_key_interface(const struct gw_registration *c, struct err *e)
{
	bool is_there = c->interface && if_nametoindex(c->interface) != 0;
	const char *bits;
	uint32_t n_bits;
	int rc = 0;

	/* one that is bare may be what a start that was interrupted left */
	if (!c->interface || (is_there && !netif_is_bare(c->interface)))
		return 0;
	bits = strchr(c->network_text, '/');
	if (!bits || num_parse_u32(bits + 1, 1, 32, &n_bits) < 0)
		return err_set(e, ERR_INPUT, "wireguard.address has no bits of a network");
	if (!is_there)
		rc = netif_make(c->interface, "wireguard", e);
	if (!rc)
		rc = netif_set(c->interface, c->own, n_bits, e);
	if (rc == -EPERM)
		return err_wrap(e, rc, "without root or CAP_NET_ADMIN");
	if (!rc)
		log_info("gateway: made WireGuard interface '%s' with %s", c->interface,
			 c->network_text);
	return rc;
}
