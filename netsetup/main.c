/* Picks the face: with CNI_COMMAND set a CNI plugin, otherwise a command line. */
#include <stdlib.h>

#include "base/command.h"
#include "netsetup/cni/cni.h"
#include "netsetup/commands/commands.h"

int main(int argc, char **argv)
{
	if (getenv("CNI_COMMAND"))
		return cni_main();
	return command_main(&netsetup_program, argc, argv);
}
