/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command takes is read off its operands as --help shows them: VM, IMAGE, FILE, FOLDER.  Names are asked of the
 * daemon with a deadline of two seconds, so that a daemon that hangs holds up nobody's typing.
 */
#include "cli/completion.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "cli/args.h"

static const struct {
	enum opt opt;
	const char *words;
} choices[] = {
	{ OPT_CHANNEL, "serial stdout stderr" },
	{ OPT_SORT, "cpu memory disk name uptime restarts" },
	{ OPT_HOST, "unix:/ ssh:// tcp:// https://" },
};

static const char head[] =
	"# bash completion of bailey; made by: bailey completion bash\n"
	"_bailey_names() {\n"
	"\ttimeout 2 \"${COMP_WORDS[0]}\" \"${_bailey_daemon[@]}\" completion \"$1\" 2>/dev/null\n"
	"}\n"
	"\n"
	"_bailey() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal command= word options= operands= i ended=\n"
	"\tlocal -a _bailey_daemon=()\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $ended$word in\n";

static const char middle[] = "\t\t--) ended=1 ;;\n"
			     "\t\t-*) ;;\n"
			     "\t\t*)\n"
			     "\t\t\tcase $command in\n";

static const char after_words[] = "\t\t\tesac ;;\n"
				  "\t\tesac\n"
				  "\tdone\n"
				  "\tif [[ -z $ended ]]; then\n"
				  "\tcase $prev in\n";

static const char after_values[] = "\tesac\n"
				   "\tfi\n"
				   "\tcase $command in\n";

static const char tail[] =
	"\tesac\n"
	"\tif [[ -z $ended && $cur == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tcase $operands in\n"
	"\tWORDS:*FILE*) compopt -o filenames; operands=${operands#WORDS:}\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"${operands% *}\" -- \"$cur\"; compgen -f -- "
	"\"$cur\") "
	";;\n"
	"\t*VM*) mapfile -t COMPREPLY < <(compgen -W \"$(_bailey_names vms)\" -- \"$cur\") ;;\n"
	"\t*IMAGE*) mapfile -t COMPREPLY < <(compgen -W \"$(_bailey_names images)\" -- \"$cur\") "
	";;\n"
	"\t*FOLDER*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	"\t*FILE*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"\tWORDS:*) mapfile -t COMPREPLY < <(compgen -W \"${operands#WORDS:}\" -- \"$cur\") ;;\n"
	"\tesac\n"
	"}\n"
	"complete -F _bailey bailey\n";

/* "--name" or "-n|--name" as patterns of case. */
static int pattern(enum opt o, struct buf *b)
{
	const struct opt_spec *s = &opt_specs[o];

	return s->letter ? buf_addf(b, "-%c|--%s", s->letter, s->name)
			 : buf_addf(b, "--%s", s->name);
}

/* Options whose value is the next word: it is no command.  Those that name a daemon are passed on. */
static int skip_values(struct buf *b)
{
	enum opt o;
	int rc = 0;

	for (o = 0; o < OPT_COUNT && rc == 0; o++) {
		if (!opt_specs[o].value)
			continue;
		rc = buf_add_str(b, "\t\t");
		if (rc == 0)
			rc = pattern(o, b);
		if (rc == 0 && (o == OPT_HOST || o == OPT_SOCKET)) {
			rc = buf_add_str(b, ") _bailey_daemon=(\"$word\" \"${COMP_WORDS[i+1]}\"); "
					    "((i++)) ;;\n");
		} else if (rc == 0) {
			rc = buf_add_str(b, ") ((i++)) ;;\n");
		}
	}
	return rc;
}

/* Is @c the first of the commands that begin with its first word? */
static bool is_first_of_group(const struct command *table, const struct command *c)
{
	size_t n = strcspn(c->name, " ");
	const struct command *other;

	for (other = table; other != c; other++) {
		if (strncmp(other->name, c->name, n) == 0 && other->name[n] == ' ')
			return false;
	}
	return true;
}

/* The command that a group's word is by itself, as "verify" beside "verify quote"; NULL. */
static const struct command *own_command(const struct command *table, const struct command *c)
{
	size_t n = strcspn(c->name, " ");
	const struct command *other;

	for (other = table; other->name; other++) {
		if (strlen(other->name) == n && strncmp(other->name, c->name, n) == 0)
			return other;
	}
	return NULL;
}

/* The second words of @c's group, each followed by @sep. */
static int add_seconds(const struct command *table, const struct command *c, const char *sep,
		       struct buf *b)
{
	size_t n = strcspn(c->name, " ");
	const struct command *other;
	int rc = 0;

	for (other = table; other->name && rc == 0; other++) {
		if (strncmp(other->name, c->name, n) == 0 && other->name[n] == ' ')
			rc = buf_addf(b, "%s%s", other->name + n + 1, sep);
	}
	return rc;
}

static int add_options(const struct command *c, struct buf *b)
{
	enum opt o;
	int rc = buf_add_str(b, " options='");

	for (o = 0; o < OPT_COUNT && rc == 0; o++) {
		if (args_takes(c, o))
			rc = buf_addf(b, "--%s ", opt_specs[o].name);
	}
	return rc == 0 ? buf_add_str(b, "' ;;\n") : rc;
}

static int add_group(const struct command *table, const struct command *c, struct buf *b)
{
	const struct command *own = own_command(table, c);
	int rc = buf_addf(b, "\t%.*s) operands='WORDS:", (int)strcspn(c->name, " "), c->name);

	if (rc == 0)
		rc = add_seconds(table, c, " ", b);
	if (rc == 0)
		rc = buf_addf(b, "%s'", own ? own->operands : "");
	if (rc == 0)
		rc = own ? add_options(own, b) : buf_add_str(b, " ;;\n");
	return rc;
}

/* How a word goes on from the command so far: "" to "image", "image" to "image ls", "verify" to itself or "verify quote". */
static int add_steps(const struct command *table, struct buf *b)
{
	const struct command *c;
	int rc = buf_add_str(b, "\t\t\t'') command=$word ;;\n");

	for (c = table; c->name && rc == 0; c++) {
		if (!strchr(c->name, ' ') || !is_first_of_group(table, c))
			continue;
		rc = buf_addf(b, "\t\t\t%.*s) ", (int)strcspn(c->name, " "), c->name);
		if (rc == 0 && own_command(table, c)) {
			rc = buf_add_str(b, "[[ ' ");
			if (rc == 0)
				rc = add_seconds(table, c, " ", b);
			if (rc == 0)
				rc = buf_add_str(b, "' == *\" $word \"* ]] && ");
		}
		if (rc == 0)
			rc = buf_add_str(b, "command=\"$command $word\" ;;\n");
	}
	return rc;
}

/* What may stand after an option. */
static int add_values(struct buf *b)
{
	enum opt o;
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(choices) / sizeof(*choices) && rc == 0; i++) {
		rc = buf_add_str(b, "\t");
		if (rc == 0)
			rc = pattern(choices[i].opt, b);
		if (rc == 0) {
			rc = buf_addf(b,
				      ") mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\"); "
				      "return ;;\n",
				      choices[i].words);
		}
	}
	for (o = 0; o < OPT_COUNT && rc == 0; o++) {
		const char *value = opt_specs[o].value;

		if (!value || (!str_equal(value, "FILE") && !str_equal(value, "PATH") &&
			       !str_equal(value, "FOLDER")))
			continue;
		rc = buf_add_str(b, "\t");
		if (rc == 0)
			rc = pattern(o, b);
		if (rc == 0)
			rc = buf_add_str(b, ") compopt -o filenames; mapfile -t COMPREPLY < "
					    "<(compgen -f -- \"$cur\"); return ;;\n");
	}
	return rc;
}

static int add_command(const struct command *table, const struct command *c, struct buf *b)
{
	int rc = 0;

	if (strchr(c->name, ' ') && is_first_of_group(table, c))
		rc = add_group(table, c, b);
	if (rc == 0)
		rc = buf_addf(b, "\t'%s') operands='%s'", c->name, c->operands);
	return rc == 0 ? add_options(c, b) : rc;
}

/* Before any command: the first words of all, and the options that go with every one. */
static int add_none(const struct command *table, struct buf *b)
{
	const struct command *c;
	int rc = buf_add_str(b, "\t'') operands='WORDS:help ");

	for (c = table; c->name && rc == 0; c++) {
		if (is_first_of_group(table, c))
			rc = buf_addf(b, "%.*s ", (int)strcspn(c->name, " "), c->name);
	}
	if (rc == 0)
		rc = buf_add_str(b, "'");
	return rc == 0 ? add_options(NULL, b) : rc;
}

int completion_bash(const struct command *table, struct buf *ret)
{
	const struct command *c;
	int rc = buf_add_str(ret, head);

	if (rc == 0)
		rc = skip_values(ret);
	if (rc == 0)
		rc = buf_add_str(ret, middle);
	if (rc == 0)
		rc = add_steps(table, ret);
	if (rc == 0)
		rc = buf_add_str(ret, after_words);
	if (rc == 0)
		rc = add_values(ret);
	if (rc == 0)
		rc = buf_add_str(ret, after_values);
	if (rc == 0)
		rc = add_none(table, ret);
	for (c = table; rc == 0 && c->name; c++)
		rc = add_command(table, c, ret);
	return rc == 0 ? buf_add_str(ret, tail) : rc;
}
