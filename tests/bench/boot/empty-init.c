/* SPDX-License-Identifier: Apache-2.0 */
/* empty-init: the least /init there can be; what the guest image's boot time is measured against */
#include <unistd.h>

int main(void)
{
	(void)!write(STDOUT_FILENO, "user space\n", 11);
	for (;;)
		(void)pause();
}
