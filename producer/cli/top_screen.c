/* The terminal of `till top`, on ncurses: the first lines stay, the rest scrolls. What is said on stderr meanwhile would spoil the picture,
 * so it goes to a file in memory, and into the last line. */
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "producer/cli/progress.h"
#include "producer/cli/table.h"
#include "producer/cli/top.h"

enum { WARN = 1, KEY_MS = 60000 };

static const char keys[] = "q quit  p pause view  s sort  arrows scroll";

struct screen {
    struct top *top;
    SCREEN *terminal;
    char *text; /* the frame */
    size_t size;
    int first, line_count; /* of those that scroll: the first shown, all */
    int said, was; /* the file in memory; the real stderr */
    bool done;
};

static int line_style(const char *line, bool fixed) {
    int warning = has_colors() && table_colour() ? COLOR_PAIR(WARN) | (int)A_BOLD : (int)A_REVERSE;
    if (strncmp(line, "WORKER", 6) == 0 || strncmp(line, "PARTITION", 9) == 0 || strstr(line, " PARTITION ") == line) return (int)A_BOLD;
    if (fixed && strncmp(line, "workers", 7) == 0 && !strstr(line, " 0 halted; dead 0")) return warning;
    if (!fixed && (strstr(line, "  halted: ") || strstr(line, "  gone"))) return warning;
    return (int)A_NORMAL;
}

static void draw_line(int y, const char *line, bool fixed) {
    int style = line_style(line, fixed);
    attron(style);
    mvaddnstr(y, 0, line, COLS);
    attroff(style);
}

static void draw_last(const struct screen *s) {
    char text[400];
    if (s->top->trouble[0]) snprintf(text, sizeof text, "%s", s->top->trouble);
    else snprintf(text, sizeof text, "%s  (by %s)", keys, top_sort_word(s->top->sort));
    attron(A_REVERSE);
    mvhline(LINES - 1, 0, ' ', COLS);
    mvaddnstr(LINES - 1, 0, text, COLS - 1); /* the corner is left alone: writing there scrolls some terminals */
    attroff(A_REVERSE);
}

static void draw(struct screen *s) {
    int n = 0, room = LINES - 1;
    erase();
    for (char *line = s->text, *end; line && *line; line = end + 1, n++) {
        end = strchr(line, '\n');
        *end = '\0';
        bool fixed = n < TOP_FIXED_LINES;
        int y = fixed ? n : n - s->first;
        if (y < room && (fixed || y >= TOP_FIXED_LINES)) draw_line(y, line, fixed);
        *end = '\n';
    }
    s->line_count = n - TOP_FIXED_LINES;
    draw_last(s);
    refresh();
}

static void make_frame(struct screen *s) {
    free(s->text);
    s->text = NULL;
    FILE *out = open_memstream(&s->text, &s->size);
    if (!out) abort();
    top_frame_print(s->top, out);
    fclose(out);
}

/* What was said on stderr since it was last asked, without the newline. */
static void take_said(struct screen *s, char *out, size_t capacity) {
    ssize_t size = pread(s->said, out, capacity - 1, 0);
    out[size > 0 ? size : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (ftruncate(s->said, 0) == 0) lseek(s->said, 0, SEEK_SET);
}

static void look(struct screen *s) {
    int code = top_look(s->top);
    take_said(s, s->top->trouble, sizeof s->top->trouble);
    if (!code) s->top->trouble[0] = '\0';
    make_frame(s);
}

static void scroll_by(struct screen *s, int lines) {
    int most = s->line_count - (LINES - 1 - TOP_FIXED_LINES);
    s->first += lines;
    if (s->first > most) s->first = most;
    if (s->first < 0) s->first = 0;
}

static void heed(struct screen *s, int key) {
    int page = LINES - 2 - TOP_FIXED_LINES > 1 ? LINES - 2 - TOP_FIXED_LINES : 1;
    switch (key) {
    case 'q': case 'Q': s->done = true; break;
    case 'p': case ' ': s->top->paused = !s->top->paused; break;
    case 's': s->top->sort = (s->top->sort + 1) % TOP_SORT_COUNT; break;
    case KEY_DOWN: scroll_by(s, 1); break;
    case KEY_UP: scroll_by(s, -1); break;
    case KEY_NPAGE: scroll_by(s, page); break;
    case KEY_PPAGE: scroll_by(s, -page); break;
    case KEY_HOME: s->first = 0; break;
    default: scroll_by(s, 0); break; /* another size */
    }
    make_frame(s);
}

static void watch(struct screen *s, int64_t interval_ms) {
    int64_t looked_at_ms = progress_now_ms();
    look(s);
    while (!s->done) {
        draw(s);
        int64_t left_ms = s->top->paused ? KEY_MS : looked_at_ms + interval_ms - progress_now_ms();
        timeout(left_ms > 0 ? (int)left_ms : 0);
        int key = getch();
        if (key != ERR) heed(s, key);
        if (s->top->paused || progress_now_ms() < looked_at_ms + interval_ms) continue;
        looked_at_ms = progress_now_ms();
        look(s);
    }
}

static bool open_screen(struct screen *s) {
    s->terminal = newterm(NULL, stdout, stdin);
    if (!s->terminal) return false;
    if (table_colour() && has_colors()) {
        start_color();
        use_default_colors();
        init_pair(WARN, COLOR_RED, -1);
    }
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    s->was = dup(STDERR_FILENO);
    s->said = memfd_create("till-top", MFD_CLOEXEC);
    dup2(s->said, STDERR_FILENO);
    return true;
}

static void close_screen(struct screen *s) {
    endwin();
    delscreen(s->terminal);
    dup2(s->was, STDERR_FILENO);
    close(s->was);
    close(s->said);
    free(s->text);
}

int top_screen(struct top *t, uint64_t interval_ms) {
    struct screen s = {.top = t};
    const char *term = getenv("TERM");
    int code = top_look(t); /* what is wrong from the start is said plainly */
    if (code) return code;
    t->c.config.producer_timeout_ms = 0; /* no waiting from here on: the keys would wait too */
    if (!open_screen(&s))
        return cli_usage(t->c.cli, "TERM is %s, which nothing is known of; --once needs no terminal", term ? term : "not set");
    watch(&s, (int64_t)interval_ms);
    close_screen(&s);
    return CLI_OK;
}
