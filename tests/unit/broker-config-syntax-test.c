// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// fixture: broker-config-fixture

/*
 * A networks.json that is no JSON: what is wrong, where, and what to write
 * instead.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker-config-fixture.h"

#define EMPTY "the file is empty: write {} to define no network"
#define TOO_EARLY "the file ends too early: write the missing closing bracket"
#define BEHIND "nothing may follow the closing bracket: delete it"
#define COMMENT "JSON has no comments: delete it"
#define NO_VALUE                                                               \
	"not a value: write a string in double quotes, or true or false"
#define CURLY "curly quote, or the like: write a straight double quote"
#define ZERO "zero byte, perhaps of UTF-16: save the file as UTF-8"
#define YAML                                                                   \
	"this is not JSON, perhaps YAML: write "                               \
	"{ \"default\": { \"mode\": \"shared\" } }"

static const struct bad_text mistakes[] = {
	/* Syntax: what it is, and what to write. */
	{ "", ":1:1: " EMPTY },
	{ " \n", ":2:1: " EMPTY },
	{ "{\n  \"a\": {\"mode\": \"shared\"}\n  \"b\": {}\n}",
	    ":3:3: \"b\": write a comma before it" },
	{ "{\"a\": {\"mode\": \"shared\"}; \"b\": {}}",
	    ":1:25: \";\": write a comma or a closing bracket" },
	{ "{\"a\": {\"mode\": \"shared\", }}",
	    ":1:24: \",\": nothing follows the comma: delete it" },
	{ "{\"a\": {\"mode\": \"shared\"},,}",
	    ":1:26: \",\": unexpected comma: delete it" },
	{ "{\"a\": {\"mode\": \"shared\"}", ":1:25: " TOO_EARLY },
	{ "{\"a\"  \n ", ":2:2: " TOO_EARLY },
	{ "{\"a\" {}}", ":1:6: \"{\": write a colon after the key" },
	{ "{\"a\" = {}}", ":1:6: \"=\": write a colon after the key" },
	{ "{} {}", ":1:4: \"{\": " BEHIND },
	{ "{}}", ":1:3: \"}\": " BEHIND },
	{ "{}\n\x01", ":2:1: \"\\x01\": " BEHIND },
	{ "# no\n{}", ":1:1: \"#\": " COMMENT },
	{ "{} // no", ":1:4: \"//\": " COMMENT },
	{ "{\n/* no */\"a\": {}}", ":2:1: \"/*\": " COMMENT },
	{ "{\"a\": {\"mode\": shared}}", ":1:16: \"shared\": " NO_VALUE },
	{ "{\"a\": {\"dhcp\": True}}", ":1:16: \"True\": " NO_VALUE },
	{ "{\"a\": {\"mtu\": 01500}}",
	    ":1:15: \"01500\": not a number: write decimal digits without a "
	    "leading 0" },
	{ "{\"a\": {mode: \"shared\"}}",
	    ":1:8: \"mode\": write the key in double quotes" },
	{ "{'a': {}}", ":1:2: \"'\": single quote: write a double quote" },
	{ "{\"a\": {\"mode\": 'host'}}",
	    ":1:16: \"'\": single quote: write a double quote" },
	{ "{\xe2\x80\x9c"
	  "a\xe2\x80\x9d: {}}",
	    ":1:2: \"\\xe2\\x80\\x9c\": " CURLY },
	{ "{\"a\": {\"mode\": \xe2\x80\x98host\xe2\x80\x99}}",
	    ":1:16: \"\\xe2\\x80\\x98\": " CURLY },
	{ "{\n\xc2\xa0\xc2\xa0\"a\": {}}",
	    ":2:1: \"\\xc2\\xa0\": no-break space: write a space" },
	{ "\xef\xbb\xbf{}",
	    ":1:1: \"\\xef\\xbb\\xbf\": byte order mark: save the file "
	    "without it" },
	{ "default:\n  mode: shared\n", ":1:1: \"default\": " YAML },
	{ "---\ndefault:\n", ":1:1: \"---\": " YAML },
	{ "{\"a\": \"\x01\"}",
	    ":1:8: \"\\x01\": control character in a string: write it as "
	    "\\t or \\u0001" },
	{ "{\"a\": \"b\n\"}",
	    ":1:7: \"b\": the string does not end on its line: write the "
	    "closing quote" },
	{ "{\"a\": \"b",
	    ":1:7: \"b\": the string does not end: write the closing quote" },
	{ "{\"a\": \"\\d\"}",
	    ":1:7: \"\\x5cd\": invalid escape: write \\\\ for a backslash" },
	{ "{\"a\": \"\xff\"}",
	    ":1:8: \"\\xff\": not UTF-8: save the file as UTF-8" },
	{ "{\"a\": 1e999}", ":1:7: \"1e999\": the number is too large" },

	/* The whole. */
	{ "[]",
	    ":1:1: must be an object with one entry per network, not an "
	    "array" },
	{ "\n  [\"default\"]",
	    ":2:3: must be an object with one entry per "
	    "network, not an array" },
	{ "\"default\"",
	    ":1:1: \"default\": must be an object with one entry per network: "
	    "begin with {" },

};

static void each_mistake_of_syntax_has_its_place_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		write_file(mistakes[i].text, strlen(mistakes[i].text));
		assert_refused(mistakes[i].error);
	}
}

/* Goal: if the file is not JSON, every request for one of its networks is
 * refused with the reason. */
static void a_refused_network_names_its_problem(void **state)
{
	struct config *config = NULL;

	(void)state;
	write_file("{", 1);
	assert_int_equal(load(&config), CONFIG_REFUSED);
	assert_string_equal(config_find_problem(config, "lab"),
	    "networks.json:1:2: " TOO_EARLY);
	assert_null(config_find_problem(config, "shared"));
	config_destroy(config);
}

/* Goal: columns are characters, as jansson counts them in its own. */
static void columns_are_characters(void **state)
{
	static const char twice[] =
	    "{\"a\": {\"\xc3\xbc\": 1, \"mode\":\"host\", "
	    "\"mode\":\"host\"}}";
	static const char syntax[] = "{\"\xc3\xbc\": 1 2}";
	struct config *config = NULL;

	(void)state;
	write_file(twice, strlen(twice));
	assert_int_equal(load(&config), CONFIG_LOADED);
	assert_problems(config,
	    ":1:8: a: unknown key \"\\xc3\\xbc\"\n"
	    ":1:31: a: duplicate key \"mode\"");
	config_destroy(config);
	write_file(syntax, strlen(syntax));
	assert_refused(":1:9: \"2\": write a comma before it");
}

static void a_zero_byte_is_named(void **state)
{
	(void)state;
	write_file("{}\0{}", 5);
	assert_refused(":1:3: \"\\x00\": " ZERO);
	write_file("{\"a\\u0000\": 1}", 14);
	assert_refused(":1:2: \"a\\x5cu0000\": \\u0000 is not allowed: delete "
		       "it");
}

/* Goal: UTF-16 is recognised, with its mark and without, both ways round. */
static void utf_16_is_recognised(void **state)
{
	(void)state;
	write_file("\xff\xfe{\0}\0", 6);
	assert_refused(":1:1: \"\\xff\\xfe\": the file is UTF-16: save it as "
		       "UTF-8");
	write_file("\xfe\xff\0{\0}", 6);
	assert_refused(":1:1: \"\\xfe\\xff\": the file is UTF-16: save it as "
		       "UTF-8");
	write_file("{\0}\0", 4);
	assert_refused(":1:2: \"\\x00\": " ZERO);
	write_file("\0{\0}", 4);
	assert_refused(":1:1: \"\\x00\": " ZERO);
}

/* Goal: what is deep or long ends in a line as well. */
static void deep_nesting_is_refused_in_one_line(void **state)
{
	char *text = malloc(CONFIG_SIZE_MAX);

	(void)state;
	assert_non_null(text);
	memset(text, '[', CONFIG_SIZE_MAX);
	write_file(text, CONFIG_SIZE_MAX);
	assert_refused(":1:1: \"[\": must be an object with one entry per "
		       "network: begin with {");
	free(text);
}

/* Goal: a text cut at any byte is refused at a place that exists. */
static void a_text_cut_at_any_byte_is_refused_at_a_place_that_exists(
    void **state)
{
	static const char text[] =
	    "{\n  \"web\": {\"mode\": \"shared\",\n"
	    "  \"subnet\": \"192.168.1.0/24\"}, \"\xc3\xbc\": 1}";

	(void)state;
	for (size_t length = 0; length < strlen(text); length++) {
		struct config *config = NULL;
		int line = 0;
		int column = 0;

		write_file(text, length);
		assert_int_equal(load(&config), CONFIG_REFUSED);
		assert_int_equal(sscanf(config->refused + strlen(path),
				     ":%d:%d: ", &line, &column),
		    2);
		assert_in_range(line, 1, 3);
		assert_in_range(column, 1, 40);
		config_destroy(config);
	}
}

static void assert_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		assert_in_range(*text, ' ', '~');
	}
}

/* Goal: S1: whatever byte is wrong, the reason is a line of printable text. */
static void whatever_byte_is_wrong_the_reason_is_printable(void **state)
{
	static const char good[] =
	    "{\n \"a\": {\"mode\": \"host\",\n  \"subnet\": \"10.0.0.0/24\"}}";
	char text[sizeof(good)];

	(void)state;
	for (size_t at = 0; at < strlen(good); at++) {
		for (int byte = 0; byte < 256; byte++) {
			struct config *config = NULL;

			memcpy(text, good, sizeof(good));
			text[at] = (char)byte;
			write_file(text, strlen(good));
			load(&config);
			for (size_t i = 0; i < config->problem_count; i++) {
				assert_printable(config->problems[i]);
			}
			config_destroy(config);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_mistake_of_syntax_has_its_place_and_remedy),
		cmocka_unit_test(a_refused_network_names_its_problem),
		cmocka_unit_test(columns_are_characters),
		cmocka_unit_test(a_zero_byte_is_named),
		cmocka_unit_test(utf_16_is_recognised),
		cmocka_unit_test(deep_nesting_is_refused_in_one_line),
		cmocka_unit_test(
		    a_text_cut_at_any_byte_is_refused_at_a_place_that_exists),
		cmocka_unit_test(
		    whatever_byte_is_wrong_the_reason_is_printable),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
