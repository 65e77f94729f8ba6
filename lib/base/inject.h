/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inject: named points at which a test ends the process, or makes an attempt fail
 *
 * Compiled in with -DBAILEY_INJECT=ON only; else a point is nothing.  The names of all points of a program are
 * strings in its section "bailey_inject".  What happens is said by the environment:
 *
 *	BAILEY_INJECT=name[:n]		SIGKILL to ourselves when the point is reached for the nth time
 *	BAILEY_INJECT=name[:n]=ENOSPC	the attempt fails with that errno, from the nth time on
 *	BAILEY_INJECT=@file		the same, read from the file afresh at each point; none: nothing
 *	BAILEY_INJECT_TRACE=file	the name of each point reached is appended, a line each
 *
 * Children do not inherit either: child.c gives them an environment of their own.
 *
 * Thread   any.
 */
#pragma once

#ifdef BAILEY_INJECT

/* A step that lasts was just done, or is about to be: what if we end here?  @name: "file.renamed". */
#define inject_point(name)                                                                         \
	do {                                                                                       \
		static const char inject_site[]                                                    \
			__attribute__((section("bailey_inject"), used, aligned(1))) = name;        \
		(void)inject_reach(inject_site);                                                   \
	} while (0)

/* What if this attempt fails?  0, or the negative errno that the test asks for. */
#define inject_error(name)                                                                         \
	__extension__({                                                                            \
		static const char inject_site[]                                                    \
			__attribute__((section("bailey_inject"), used, aligned(1))) = name;        \
		inject_reach(inject_site);                                                         \
	})

/* For the macros.  Return: 0 or a negative errno. */
int inject_reach(const char *name);

#else

#define inject_point(name) ((void)0)
#define inject_error(name) 0

#endif
