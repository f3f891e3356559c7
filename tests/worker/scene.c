/* Plays something out, and looks at what became of it. */
#include "tests/worker/scene.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

struct fold scene;

void scene_start(unsigned partitions) {
    fold_start(&scene, partitions, FOLD_BATCH);
    if (partitions != 3) return;
    cr_assert(fold_partition_of(&scene, "m") == 2 && fold_partition_of(&scene, "a") == 0 && fold_partition_of(&scene, "g") == 1 &&
              fold_partition_of(&scene, "b") == 2);
}

void scene_stop(void) { fold_stop(&scene); }

void scene_go(const char *lines) {
    fold_add(&scene, lines);
    fold_run(&scene);
}

void scene_turn(unsigned p) {
    enum redis_err err = fold_try(&scene, p);
    cr_expect_eq(err, REDIS_OK, "a turn of partition %u: %s", p, redis_err_word(err));
}

void scene_sweep(void) {
    fold_add_due(&scene);
    fold_run(&scene);
}

const char *scene_field(unsigned p, const char *key, const char *field) {
    return server_text(&scene.server, "HGET", fold_key(&scene, p, key), field, NULL);
}

const char *scene_bill(unsigned p, const char *identity) {
    static char record[600];
    char **keys = fold_keys(&scene, p);
    *record = '\0';
    for (char **key = keys; *key; key++)
        if (strstr(*key, "}:bills:")) {
            const char *found = server_text(&scene.server, "HGET", *key, identity, NULL);
            if (*found) snprintf(record, sizeof record, "%s", found);
        }
    fold_keys_free(keys);
    return record;
}

bool scene_has(unsigned p, const char *key) { return server_integer(&scene.server, "EXISTS", fold_key(&scene, p, key), NULL) == 1; }

void scene_expect(const char *name, unsigned p, const char *key, const char *field, const char *wanted) {
    const char *value = scene_field(p, key, field);
    cr_expect_str_eq(value, wanted, "%s: %s of %s in %u is \"%s\", not \"%s\"", name, field, key, p, value, wanted);
}

void scene_expect_account(const char *name, unsigned p, const char *account, const char *wanted) {
    char text[60];
    snprintf(text, sizeof text, "%s ", fold_account(&scene, p, account, "balance"));
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s", fold_account(&scene, p, account, "held"));
    cr_expect_str_eq(text, wanted, "%s: %s in %u has \"%s\", not \"%s\"", name, account, p, text, wanted);
}

void scene_expect_bill(const char *name, unsigned p, const char *identity, const char *wanted) {
    const char *bill = scene_bill(p, identity);
    cr_expect(strstr(bill, wanted), "%s: the bill of %s is \"%s\", without \"%s\"", name, identity, bill, wanted);
}

void scene_expect_answer(const char *name, unsigned p, const char *entry, const char *line, const char *wanted) {
    struct fold_answer *answers;
    size_t count = fold_answers(&scene, p, "shop", &answers), found = 0;
    for (size_t n = 0; n < count; n++) {
        if (strcmp(answers[n].text[RESPONSE_ENTRY], entry) != 0 || *answers[n].text[RESPONSE_REPLAYED] == '1') continue;
        table_expect(name, &scene, line, entry, wanted, &answers[n]);
        found++;
    }
    free(answers);
    cr_expect_eq(found, *wanted ? 1 : 0, "%s: %zu answers to %s", name, found, entry);
}

void scene_expect_sound(const char *name) {
    for (unsigned p = 0; p < scene.door.book.partitions; p++) {
        const char *fault = fold_unsound(&scene, p);
        cr_expect(!fault, "%s: partition %u: %s", name, p, fault ? fault : "");
    }
}

void scene_expect_rows(const char *name, unsigned p, const char *const *rows, size_t count) {
    char *dump = fold_dump(&scene, p);
    for (size_t n = 0; n < count; n++) cr_expect(strstr(dump, rows[n]), "%s: no row \"%s\" in\n%s", name, rows[n], dump);
    free(dump);
}

struct scene_picture scene_take(void) {
    struct scene_picture picture = {{0}};
    for (unsigned p = 0; p < scene.door.book.partitions; p++) picture.digests[p] = fold_digests(&scene, p, "meta responses:*");
    return picture;
}

void scene_expect_unchanged(const char *name, struct scene_picture *before) {
    struct scene_picture after = scene_take();
    for (unsigned p = 0; p < scene.door.book.partitions; p++) {
        const char *difference = fold_difference(after.digests[p], before->digests[p]);
        cr_expect(!difference, "%s: partition %u changed: %s", name, p, difference ? difference : "");
        free(after.digests[p]);
        free(before->digests[p]);
    }
}

void scene_expect_batches_alike(const char *name, unsigned partitions, const char *lines) {
    static const unsigned sizes[] = {1, FOLD_BATCH, 3};
    char *first[FOLD_PARTITIONS_MAX] = {0};
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        fold_reset(&scene);
        fold_set_batch(&scene, sizes[n]);
        scene_go(lines);
        for (unsigned p = 0; p < partitions; p++) {
            char *dump = fold_dump(&scene, p);
            const char *difference = first[p] ? fold_difference(dump, first[p]) : NULL;
            cr_expect(!difference, "%s: in batches of %u: partition %u: %s", name, sizes[n], p, difference ? difference : "");
            if (first[p]) free(dump);
            else first[p] = dump;
        }
        scene_expect_sound(name);
    }
    for (unsigned p = 0; p < partitions; p++) free(first[p]);
    fold_set_batch(&scene, FOLD_BATCH);
}
