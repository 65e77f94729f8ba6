/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/derived.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

static uint8_t mrtd[48], rtmr[4][48], config[48], zero[48];

static struct derived_registers registers(void)
{
	struct derived_registers r = { .mrtd = mrtd };
	size_t i;

	/* the registers of dstack's recorded attestation, boot and run */
	assert(str_unhex(mrtd, 48,
			 "e53236d44a074bc78e784cdfa1a2c858a5f6b53afc1b60d8f079662314978b64"
			 "241b646d8498dd767d5ea48e1e115822") == 0);
	assert(str_unhex(rtmr[0], 48,
			 "6203948b7c12a0c2e14ed9b11170d7b85345870a304bb0959d6c198224ce621f"
			 "e944e4623af9631cd64eeffdc0d7fa94") == 0);
	assert(str_unhex(rtmr[1], 48,
			 "0ea1ad399114c5909c52c8b8c073f0c4e076b691495ca7d41f88c5bba6859e39"
			 "11973ec95adce1503eb43f4670a2c306") == 0);
	assert(str_unhex(rtmr[2], 48,
			 "1c9854088a35a1c44483d6ba5e88333cf6a7f5b5ec26713f722c80dfc2d2b337"
			 "346d7fb52452eacda0a8a8fb6fd306f1") == 0);
	assert(str_unhex(rtmr[3], 48,
			 "f28a1490ee924e9396c2ccf2d93ad536b83cbe159a1d45024d1fd7acdcc10214"
			 "5efcfcd0cfa209416446c70226affadf") == 0);
	assert(str_unhex(config, 33,
			 "01c143116fef3940e7f776bfc0919c256232ae5338a6e948c96b711e0b238348"
			 "3a") == 0);
	for (i = 0; i < 4; i++)
		r.rtmr[i] = rtmr[i];
	return r;
}

static void is(struct digest256 d, const char *hex)
{
	char have[65];

	str_hex(have, d.b, sizeof(d.b));
	assert(strcmp(have, hex) == 0);
}

static void test_config_ids_count_when_one_is_set(void)
{
	struct derived_registers r = registers();
	struct digest256 plain = derived_aggregated(&r), same;

	r.mr_owner = zero;
	same = derived_aggregated(&r);
	assert(memcmp(plain.b, same.b, sizeof(plain.b)) == 0);
	r.mr_config_id = config;
	is(derived_aggregated(&r),
	   "85334a62c97d0f8bf82d0245d31b539d17a2d7c258e2a13efc928aaea0e107cb");
}

static void test_aggregated_at_boot_differs_by_rtmr3_only(void)
{
	struct derived_registers r = registers();

	assert(str_unhex(rtmr[3], 48,
			 "161d4d87fecefcad09ed96ba8f901e58eca0f422b8155e2829ef94ce084a757e"
			 "88c7f4be29df017ed72531e8efb643b7") == 0);
	r.mr_config_id = config;
	is(derived_aggregated(&r),
	   "787f9fe525fcb61e81f31a30225a86674412088f2f1b683a421a7e9cbcd40551");
}

static void test_system_is_of_the_key_provider_too(void)
{
	struct derived_registers r = registers();
	struct digest256 a = derived_system(&r, "", 0), b = derived_system(&r, "x", 1);

	is(a, "ef6af583432288c877e412740aa7d8a844a18920ad98e9b1d95d42a07a3044c8"); /* none yet */
	assert(memcmp(a.b, b.b, sizeof(a.b)) != 0);
}

int main(void)
{
	test_config_ids_count_when_one_is_set();
	test_aggregated_at_boot_differs_by_rtmr3_only();
	test_system_is_of_the_key_provider_too();
	return 0;
}
