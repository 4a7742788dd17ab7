/* SPDX-License-Identifier: MIT */
/*
 * direct.h - the subject of an image (bench/firmware/subject.h) by the functions that
 * are measured.
 *
 * subject-engine.c has it for the engine that the image was built for, direct.c for
 * any other subject.
 */
#ifndef DIRECT_H
#define DIRECT_H

#include "subject.h"

/**
 * direct_subject() - the subject without a layer of its own
 * @to:		filled in
 *
 * Return: true if its functions are the engine's own, so that there is no jump
 * between the call and what is measured; what measures must know.
 */
bool direct_subject(struct subject *to);

#endif /* DIRECT_H */
