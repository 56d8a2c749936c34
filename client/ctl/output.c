// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "output.h"

#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define INDENT 2
#define GAP 2 /* between two columns */

/*
 * JSON
 */

/* The length of the UTF-8 sequence that begins here; 0: invalid. */
static size_t utf8_length(const unsigned char *text)
{
	size_t length = text[0] < 0x80 ? 1
	    : text[0] < 0xc2           ? 0
	    : text[0] < 0xe0           ? 2
	    : text[0] < 0xf0           ? 3
	    : text[0] < 0xf5           ? 4
				       : 0;

	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	/* Overlong, surrogates, and beyond U+10FFFF. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) ||
	    (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) ||
	    (text[0] == 0xf4 && text[1] > 0x8f)) {
		return 0;
	}
	return length;
}

static void json_string(const char *text)
{
	const unsigned char *next =
	    (const unsigned char *)(text == NULL ? "" : text);

	putchar('"');
	while (*next != '\0') {
		size_t length = utf8_length(next);

		if (length == 0) {
			fputs("\\ufffd", stdout);
			length = 1;
		} else if (*next == '"' || *next == '\\') {
			printf("\\%c", *next);
		} else if (*next < ' ' || *next == 0x7f) {
			printf("\\u%04x", *next);
		} else {
			fwrite(next, 1, length, stdout);
		}
		next += length;
	}
	putchar('"');
}

struct keys {
	const char **names;
	size_t count;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct keys sorted_keys(xpc_object_t dictionary)
{
	struct keys keys = {
		.names = calloc(xpc_dictionary_get_count(dictionary) + 1,
		    sizeof(*keys.names)),
	};
	struct keys *filled = &keys;

	if (keys.names == NULL) {
		err(CTL_FAILED, NULL);
	}
	xpc_dictionary_apply(
	    dictionary, ^bool(const char *key, xpc_object_t value) {
		    (void)value;
		    filled->names[filled->count++] = key;
		    return true;
	    });
	qsort(keys.names, keys.count, sizeof(*keys.names), compare_names);
	return keys;
}

/* depth < 0: everything on one line. */
static void json_value(xpc_object_t value, int depth);

static void json_break(int depth)
{
	if (depth >= 0) {
		printf("\n%*s", depth * INDENT, "");
	}
}

/* Call it before the element with this index. */
static void json_separate(size_t index, int depth)
{
	if (index > 0) {
		fputs(depth < 0 ? ", " : ",", stdout);
	}
	json_break(depth);
}

static void json_dictionary(xpc_object_t dictionary, int depth)
{
	struct keys keys = sorted_keys(dictionary);
	int inner = depth < 0 ? depth : depth + 1;

	putchar('{');
	for (size_t i = 0; i < keys.count; i++) {
		json_separate(i, inner);
		json_string(keys.names[i]);
		fputs(": ", stdout);
		json_value(
		    xpc_dictionary_get_value(dictionary, keys.names[i]), inner);
	}
	if (keys.count > 0) {
		json_break(depth);
	}
	putchar('}');
	free(keys.names);
}

static void json_array(xpc_object_t array, int depth)
{
	size_t count = xpc_array_get_count(array);
	int inner = depth < 0 ? depth : depth + 1;

	putchar('[');
	for (size_t i = 0; i < count; i++) {
		json_separate(i, inner);
		json_value(xpc_array_get_value(array, i), inner);
	}
	if (count > 0) {
		json_break(depth);
	}
	putchar(']');
}

static void json_value(xpc_object_t value, int depth)
{
	xpc_type_t type = value == NULL ? NULL : xpc_get_type(value);

	if (type == XPC_TYPE_DICTIONARY) {
		json_dictionary(value, depth);
	} else if (type == XPC_TYPE_ARRAY) {
		json_array(value, depth);
	} else if (type == XPC_TYPE_STRING) {
		json_string(xpc_string_get_string_ptr(value));
	} else if (type == XPC_TYPE_UINT64) {
		printf("%" PRIu64, xpc_uint64_get_value(value));
	} else if (type == XPC_TYPE_INT64) {
		printf("%" PRId64, xpc_int64_get_value(value));
	} else if (type == XPC_TYPE_BOOL) {
		fputs(xpc_bool_get_value(value) ? "true" : "false", stdout);
	} else {
		fputs("null", stdout); /* the protocol has no other types */
	}
}

void json_print(xpc_object_t value)
{
	json_value(value, 0);
	putchar('\n');
}

void json_print_line(xpc_object_t value)
{
	json_value(value, -1);
	putchar('\n');
	fflush(stdout);
}

/*
 * Text
 */

static void append(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;

		putc(byte < ' ' || byte == 0x7f ? '?' : byte, out);
	}
}

void print_text(FILE *file, const char *text)
{
	append(file, text);
}

static void format_time(FILE *out, uint64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm parts;
	char text[64] = "-";

	if (localtime_r(&when, &parts) != NULL) {
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
	}
	fputs(text, out);
}

static void format_duration(FILE *out, uint64_t seconds)
{
	if (seconds < 60) {
		fprintf(out, "%" PRIu64 " s", seconds);
	} else if (seconds < 3600) {
		fprintf(out, "%" PRIu64 " min", seconds / 60);
	} else {
		fprintf(out, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600,
		    seconds % 3600 / 60);
	}
}

static void format_counts(FILE *out, xpc_object_t counts)
{
	struct keys keys = sorted_keys(counts);

	for (size_t i = 0; i < keys.count; i++) {
		fputs(i == 0 ? "" : ", ", out);
		append(out, keys.names[i]);
		fprintf(out, " %" PRIu64,
		    xpc_dictionary_get_uint64(counts, keys.names[i]));
	}
	fputs(keys.count == 0 ? "-" : "", out);
	free(keys.names);
}

static void format_array(FILE *out, xpc_object_t array)
{
	size_t count = xpc_array_get_count(array);

	for (size_t i = 0; i < count; i++) {
		const char *text = xpc_array_get_string(array, i);

		fputs(i == 0 ? "" : ",", out);
		append(out, text == NULL ? "?" : text);
	}
	fputs(count == 0 ? "-" : "", out);
}

static void format_number(FILE *out, uint64_t number, enum format format)
{
	if (format == FORMAT_TIME) {
		format_time(out, number);
	} else if (format == FORMAT_DURATION) {
		format_duration(out, number);
	} else if (format == FORMAT_HEX) {
		fprintf(out, "%016" PRIx64, number);
	} else {
		fprintf(out, "%" PRIu64, number);
	}
}

static void format_to(FILE *out, xpc_object_t value, enum format format)
{
	xpc_type_t type = value == NULL ? NULL : xpc_get_type(value);

	if (type == XPC_TYPE_STRING) {
		const char *text = xpc_string_get_string_ptr(value);

		append(out, text == NULL || *text == '\0' ? "-" : text);
	} else if (type == XPC_TYPE_UINT64) {
		format_number(out, xpc_uint64_get_value(value), format);
	} else if (type == XPC_TYPE_INT64) {
		fprintf(out, "%" PRId64, xpc_int64_get_value(value));
	} else if (type == XPC_TYPE_BOOL) {
		fputs(xpc_bool_get_value(value) ? "yes" : "no", out);
	} else if (type == XPC_TYPE_ARRAY) {
		format_array(out, value);
	} else if (type == XPC_TYPE_DICTIONARY) {
		format_counts(out, value);
	} else {
		fputs("-", out);
	}
}

char *format_value(xpc_object_t value, enum format format)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		err(CTL_FAILED, NULL);
	}
	format_to(out, value, format);
	if (fclose(out) != 0) {
		err(CTL_FAILED, NULL);
	}
	return text;
}

/*
 * Tables
 */

static bool is_coloured(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) &&
	    (no_color == NULL || *no_color == '\0') && terminal != NULL &&
	    strcmp(terminal, "dumb") != 0;
}

static xpc_object_t cell_value(xpc_object_t row, const struct column *column)
{
	xpc_object_t value = xpc_dictionary_get_value(row, column->key);

	if (value == NULL && column->other != NULL) {
		value = xpc_dictionary_get_value(row, column->other);
	}
	return value;
}

static void print_cell(const char *text, int width, bool last)
{
	if (last) {
		printf("%s\n", text);
	} else {
		printf("%-*s%*s", width, text, GAP, "");
	}
}

static void print_titles(
    const struct column *columns, const int *widths, size_t count)
{
	bool bold = is_coloured();

	fputs(bold ? "\033[1m" : "", stdout);
	for (size_t i = 0; i + 1 < count; i++) {
		print_cell(columns[i].title, widths[i], false);
	}
	printf("%s%s\n", columns[count - 1].title, bold ? "\033[0m" : "");
}

static int cell_width(xpc_object_t row, const struct column *column)
{
	char *text = format_value(cell_value(row, column), column->format);
	int width = (int)strlen(text);

	free(text);
	return width;
}

void table_print(xpc_object_t rows, const struct column *columns, size_t count)
{
	size_t row_count = xpc_array_get_count(rows);
	int *widths = calloc(count, sizeof(*widths));

	if (widths == NULL) {
		err(CTL_FAILED, NULL);
	}
	for (size_t i = 0; i < count; i++) {
		widths[i] = (int)strlen(columns[i].title);
		for (size_t j = 0; j < row_count; j++) {
			int width = cell_width(
			    xpc_array_get_value(rows, j), &columns[i]);

			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
	print_titles(columns, widths, count);
	for (size_t i = 0; i < row_count; i++) {
		xpc_object_t row = xpc_array_get_value(rows, i);

		for (size_t j = 0; j < count; j++) {
			char *text = format_value(
			    cell_value(row, &columns[j]), columns[j].format);

			print_cell(text, widths[j], j + 1 == count);
			free(text);
		}
	}
	free(widths);
}

static bool is_there(xpc_object_t value)
{
	if (value == NULL) {
		return false;
	}
	if (xpc_get_type(value) == XPC_TYPE_ARRAY) {
		return xpc_array_get_count(value) > 0;
	}
	return xpc_get_type(value) != XPC_TYPE_DICTIONARY ||
	    xpc_dictionary_get_count(value) > 0;
}

void fields_print(
    xpc_object_t dictionary, const struct column *columns, size_t count)
{
	int width = 0;

	for (size_t i = 0; i < count; i++) {
		int length = (int)strlen(columns[i].title);

		if (is_there(cell_value(dictionary, &columns[i])) &&
		    length > width) {
			width = length;
		}
	}
	for (size_t i = 0; i < count; i++) {
		xpc_object_t value = cell_value(dictionary, &columns[i]);

		if (is_there(value)) {
			char *text = format_value(value, columns[i].format);

			printf("%-*s  %s\n", width, columns[i].title, text);
			free(text);
		}
	}
}
