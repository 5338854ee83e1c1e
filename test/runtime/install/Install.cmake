# Installs BUILD to FIRST and moves that to PREFIX.
file(REMOVE_RECURSE ${FIRST} ${PREFIX})
execute_process(
  COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${FIRST}
  COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${FIRST} ${PREFIX})

# Nothing may name the folders that it came from.
file(GLOB_RECURSE files ${PREFIX}/*.cmake ${PREFIX}/*.h)
foreach(file ${files})
  file(READ ${file} text)
  foreach(folder ${BUILD} ${FIRST})
    string(FIND "${text}" "${folder}" found)
    if(NOT found EQUAL -1)
      message(FATAL_ERROR "${file} names ${folder}")
    endif()
  endforeach()
endforeach()
