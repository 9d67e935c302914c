/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module_versions.h - whether a kernel loads a module that was built for another release
 */
#ifndef GRADE_MODULE_VERSIONS_H
#define GRADE_MODULE_VERSIONS_H

#include "module_info.h"
#include "symvers.h"

bool module_versions_decide(const struct module_info *module, const char *vermagic);
const char *module_versions_differ(const struct module_info *module, const struct symvers *symvers);

#endif /* GRADE_MODULE_VERSIONS_H */
