/* SPDX-License-Identifier: MIT */
#ifndef TIDE_LIST_H
#define TIDE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A ring with the head in it; a link that is on no list points to itself. */
struct tide_list {
   struct tide_list *prev, *next;
};

static inline void
tide_list_init(struct tide_list *list)
{
   list->prev = list;
   list->next = list;
}

static inline bool
tide_list_empty(const struct tide_list *list)
{
   return list->next == list;
}

static inline void
tide_list_add_tail(struct tide_list *head, struct tide_list *link)
{
   link->prev = head->prev;
   link->next = head;
   head->prev->next = link;
   head->prev = link;
}

static inline void
tide_list_remove(struct tide_list *link)
{
   link->prev->next = link->next;
   link->next->prev = link->prev;
   tide_list_init(link);
}

#define TIDE_CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#endif /* TIDE_LIST_H */
