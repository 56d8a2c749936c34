// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * printf with os_log's annotations: %{public}s, %{private}d, %{errno}d. Each
 * conversion is taken out of the format, stripped of its annotation, and given
 * to snprintf alone.
 */

#include "os-log-format.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

struct text {
	char *at;
	size_t room; /* with the NUL */
};

struct conversion {
	char annotation[64];
	char spec[32]; /* "%-8.3lld" */
	size_t length;
	char size; /* 0, or l, L (long long), z, j, t */
	char type;
	int precision; /* -1: none */
};

static void text_add(struct text *text, const char *from, size_t length)
{
	if (length >= text->room) {
		length = text->room - 1;
	}
	memcpy(text->at, from, length);
	text->at += length;
	text->room -= length;
	*text->at = '\0';
}

static void text_add_string(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

static void spec_add(struct conversion *conversion, char c)
{
	if (conversion->length < sizeof(conversion->spec) - 1) {
		conversion->spec[conversion->length] = c;
		conversion->length++;
		conversion->spec[conversion->length] = '\0';
	}
}

static void spec_add_number(struct conversion *conversion, int number)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%d", number);
	for (size_t i = 0; digits[i] != '\0'; i++) {
		spec_add(conversion, digits[i]);
	}
}

/* "{public, uuid_t}" */
static const char *read_annotation(
    struct conversion *conversion, const char *format)
{
	size_t length;

	if (*format != '{') {
		return format;
	}
	length = strcspn(format + 1, "}");
	snprintf(conversion->annotation, sizeof(conversion->annotation), "%.*s",
	    (int)length, format + 1);
	format += 1 + length;
	return *format == '}' ? format + 1 : format;
}

static const char *read_size(struct conversion *conversion, const char *format)
{
	for (; *format != '\0' && strchr("hlqLzjt", *format) != NULL;
	     format++) {
		if (*format == 'l' && conversion->size == 'l') {
			conversion->size = 'q';
		} else if (*format != 'h') {
			conversion->size = *format;
		}
		spec_add(conversion, *format);
	}
	return format;
}

/* Parses the text after a "%", and returns the text after the conversion. */
static const char *conversion_read(
    struct conversion *conversion, const char *format, va_list *arguments)
{
	bool precise = false;
	int number;

	memset(conversion, 0, sizeof(*conversion));
	conversion->precision = -1;
	spec_add(conversion, '%');
	format = read_annotation(conversion, format);
	for (; *format != '\0' && strchr("-+ #0'.*123456789", *format) != NULL;
	     format++) {
		if (*format == '*') {
			number = va_arg(*arguments, int);
			spec_add_number(conversion, number);
			conversion->precision = precise ? number : -1;
			continue;
		}
		precise = precise || *format == '.';
		spec_add(conversion, *format);
	}
	format = read_size(conversion, format);
	conversion->type = *format;
	spec_add(conversion, *format);
	return *format == '\0' ? format : format + 1;
}

static bool annotated(const struct conversion *conversion, const char *word)
{
	const char *at = strstr(conversion->annotation, word);
	size_t length = strlen(word);

	/* The end of a word matches too: "darwin.errno" means "errno". */
	return at != NULL &&
	    (at[length] == '\0' || strchr(", ", at[length]) != NULL);
}

static void add_integer(
    struct text *text, struct conversion *conversion, intmax_t value)
{
	char out[256];

	if (annotated(conversion, "errno")) {
		snprintf(out, sizeof(out), "[%d: %s]", (int)value,
		    strerror((int)value));
	} else if (annotated(conversion, "bool")) {
		snprintf(out, sizeof(out), "%s", value != 0 ? "true" : "false");
	} else if (annotated(conversion, "BOOL")) {
		snprintf(out, sizeof(out), "%s", value != 0 ? "YES" : "NO");
	} else if (conversion->size == 'q' || conversion->size == 'L') {
		snprintf(out, sizeof(out), conversion->spec, (long long)value);
	} else if (conversion->size != 0) {
		/* long, intmax_t, size_t and ptrdiff_t have the same size */
		snprintf(out, sizeof(out), conversion->spec, (long)value);
	} else {
		snprintf(out, sizeof(out), conversion->spec, (int)value);
	}
	text_add_string(text, out);
}

static intmax_t take_integer(
    const struct conversion *conversion, va_list *arguments)
{
	if (conversion->size == 'q' || conversion->size == 'L') {
		return va_arg(*arguments, long long);
	}
	if (conversion->size != 0) {
		return va_arg(*arguments, long);
	}
	return va_arg(*arguments, int);
}

static void add_double(struct text *text, const struct conversion *conversion,
    va_list *arguments, bool show)
{
	char out[512];

	if (conversion->size == 'L') {
		snprintf(out, sizeof(out), conversion->spec,
		    va_arg(*arguments, long double));
	} else {
		snprintf(out, sizeof(out), conversion->spec,
		    va_arg(*arguments, double));
	}
	text_add_string(text, show ? out : "<private>");
}

static void add_string(struct text *text, const struct conversion *conversion,
    const char *string, bool show)
{
	char out[2048];

	if (!show) {
		text_add_string(text, "<private>");
		return;
	}
	if (string == NULL) {
		text_add_string(text, "(null)");
		return;
	}
	snprintf(out, sizeof(out), conversion->spec, string);
	text_add_string(text, out);
}

/* %.*P prints this many bytes. */
static void add_bytes(struct text *text, const struct conversion *conversion,
    const unsigned char *bytes, bool show)
{
	char out[4];

	if (!show) {
		text_add_string(text, "<private>");
		return;
	}
	for (int i = 0; bytes != NULL && i < conversion->precision; i++) {
		snprintf(out, sizeof(out), "%02X", bytes[i]);
		text_add_string(text, out);
	}
}

static void add_conversion(struct text *text, struct conversion *conversion,
    int error, va_list *arguments)
{
	bool private = annotated(conversion, "private") ||
	    annotated(conversion, "sensitive") ||
	    annotated(conversion, "mask.hash");
	bool public = annotated(conversion, "public");
	intmax_t value;

	switch (conversion->type) {
	case 'm':
		text_add_string(text, strerror(error));
		break;
	case '%':
		text_add_string(text, "%");
		break;
	case 's':
		add_string(
		    text, conversion, va_arg(*arguments, char *), public);
		break;
	case 'P':
		add_bytes(text, conversion, va_arg(*arguments, void *), public);
		break;
	case 'p':
		/* It has the size of a long, so print it as %#lx. */
		value = (intptr_t)va_arg(*arguments, void *);
		strcpy(conversion->spec, "%#lx");
		conversion->size = 'l';
		add_integer(text, conversion, value);
		break;
	case 'a':
	case 'e':
	case 'f':
	case 'g':
	case 'A':
	case 'E':
	case 'F':
	case 'G':
		add_double(text, conversion, arguments, !private);
		break;
	default:
		value = take_integer(conversion, arguments);
		if (private) {
			text_add_string(text, "<private>");
		} else {
			add_integer(text, conversion, value);
		}
	}
}

void os_log_format(
    char *out, size_t size, int error, const char *format, va_list *arguments)
{
	struct text text = { out, size };
	struct conversion conversion;
	size_t plain;

	out[0] = '\0';
	while (*format != '\0') {
		plain = strcspn(format, "%");
		text_add(&text, format, plain);
		format += plain;
		if (*format == '%') {
			format =
			    conversion_read(&conversion, format + 1, arguments);
			add_conversion(&text, &conversion, error, arguments);
		}
	}
}
