/* SPDX-License-Identifier: Apache-2.0 */
#include "base/user.h"

#include <assert.h>

static void test_root_is_known_and_may_do_anything(void)
{
	const struct stat st = { .st_mode = 0, .st_uid = 7 };
	struct user a;

	assert(user_find("root", &a) && a.uid == 0 && a.n_groups >= 1);
	assert(user_may(&a, &st, S_IROTH | S_IWOTH));
	assert(!user_find("nobody-is-called-so", &a));
}

/* The first that fits decides, also where another would let him. */
static void test_owner_group_and_others(void)
{
	struct user a = { .uid = 7 };
	struct stat st = { .st_mode = 0704, .st_uid = 7, .st_gid = 9 };

	user_add_group(&a, 9);
	assert(user_may(&a, &st, S_IROTH | S_IWOTH | S_IXOTH));
	st.st_uid = 8;
	assert(!user_may(&a, &st, S_IROTH)); /* as one of the group */
	st.st_mode = 0060;
	assert(user_may(&a, &st, S_IROTH | S_IWOTH) && !user_may(&a, &st, S_IXOTH));
	st.st_gid = 10;
	assert(!user_may(&a, &st, S_IROTH));
	st.st_mode = 0001;
	assert(user_may(&a, &st, S_IXOTH));
}

static void test_groups_have_a_limit(void)
{
	struct user a = { .uid = 1 };
	gid_t gid;

	for (gid = 0; gid < USER_GROUPS_MAX + 5; gid++)
		user_add_group(&a, gid);
	assert(a.n_groups == USER_GROUPS_MAX);
}

int main(void)
{
	test_root_is_known_and_may_do_anything();
	test_owner_group_and_others();
	test_groups_have_a_limit();
	return 0;
}
